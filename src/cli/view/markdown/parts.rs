//! A comment in parts, cut to what GitHub takes: the largest parts lose lines first, and say how many.

use std::collections::{BTreeMap, BTreeSet};

/// The longest comment that GitHub takes, in characters. UTF-16 units are counted, of which no text has fewer than
/// characters: whichever of the two is counted on the other side, it fits.
pub(super) const LIMIT: usize = 65_536;
/// Of that, what the frames of parts may take, before parts are left out altogether.
const FRAMES: usize = LIMIT / 2;
/// Room for the sentence that tells what was cut.
const NOTICE: usize = 160;

/// A piece of the comment.
#[derive(Debug)]
pub(super) enum Piece {
    /// Always whole. Of these there are few, and all are short.
    Fixed(String),
    /// Cut where there is no room.
    Part(Part),
}

/// Lines in a frame.
#[derive(Debug, Default)]
pub(super) struct Part {
    /// Before the lines.
    pub(super) open: String,
    /// Each with its line break.
    pub(super) lines: Vec<String>,
    /// Ends the lines, such as a fence.
    pub(super) end: String,
    /// Ends the part.
    pub(super) close: String,
    /// What a line is: `lines`, `objects`.
    pub(super) noun: &'static str,
    /// What the part is one of, when there may be many: those that do not fit are counted.
    pub(super) one_of: Option<&'static str>,
}

impl Part {
    fn frame(&self) -> usize {
        length(&self.open) + length(&self.end) + length(&self.close)
    }

    fn text(&self) -> usize {
        self.lines.iter().map(|line| length(line)).sum()
    }
}

/// Puts the pieces together.
pub(super) fn assemble(pieces: &[Piece], limit: usize) -> String {
    let parts: Vec<&Part> = pieces.iter().filter_map(part_of).collect();
    let fixed: usize = pieces.iter().map(|piece| if let Piece::Fixed(text) = piece { length(text) } else { 0 }).sum();
    let texts: Vec<usize> = parts.iter().map(|part| part.text()).collect();
    let whole = fixed + parts.iter().map(|part| part.frame()).sum::<usize>() + texts.iter().sum::<usize>();
    let (is_kept, level) = if whole <= limit {
        (vec![true; parts.len()], usize::MAX)
    } else {
        let is_kept = kept(&parts);
        let frames: usize = parts.iter().zip(&is_kept).filter(|(_, kept)| **kept).map(|(part, _)| part.frame()).sum();
        // What is left out needs room for the sentence that says so, once for its sort.
        let left_out = parts.iter().zip(&is_kept).filter(|(_, kept)| !**kept).filter_map(|(part, _)| part.one_of);
        let sorts = left_out.collect::<BTreeSet<_>>().len();
        let sizes: Vec<usize> = texts.iter().zip(&is_kept).filter(|(_, kept)| **kept).map(|(size, _)| *size).collect();
        let room = limit.saturating_sub(fixed + frames + sorts * NOTICE);
        (is_kept, level(&sizes, room))
    };
    write(pieces, &is_kept, level)
}

fn part_of(piece: &Piece) -> Option<&Part> {
    match piece {
        Piece::Part(part) => Some(part),
        Piece::Fixed(_) => None,
    }
}

/// Which parts stay: of the sort that takes the most room the last go first.
fn kept(parts: &[&Part]) -> Vec<bool> {
    let mut is_kept = vec![true; parts.len()];
    let mut sorts: BTreeMap<&str, (usize, Vec<usize>)> = BTreeMap::new();
    let mut frames = 0;
    for (n, part) in parts.iter().enumerate() {
        frames += part.frame();
        if let Some(sort) = part.one_of {
            let (size, members) = sorts.entry(sort).or_default();
            *size += part.frame();
            members.push(n);
        }
    }
    while frames > FRAMES {
        let Some((size, members)) = sorts.values_mut().max_by_key(|(size, _)| *size) else { break };
        let Some((last, part)) = members.pop().and_then(|n| Some((n, parts.get(n)?))) else { break };
        *size -= part.frame();
        frames -= part.frame();
        if let Some(place) = is_kept.get_mut(last) {
            *place = false;
        }
    }
    is_kept
}

/// The length to which each text is cut, with room for the sentence about each that is.
fn level(sizes: &[usize], room: usize) -> usize {
    let mut cut = 0;
    loop {
        let level = water_level(sizes.to_vec(), room.saturating_sub(cut * NOTICE));
        let now = sizes.iter().filter(|size| **size > level).count();
        // With less room no fewer are cut, so this ends.
        if now <= cut {
            return level;
        }
        cut = now;
    }
}

/// The greatest height at which texts of these sizes, each cut to it, have room.
fn water_level(mut sizes: Vec<usize>, room: usize) -> usize {
    sizes.sort_unstable();
    let mut left = room;
    let mut count = sizes.len();
    for size in sizes {
        let share = left / count.max(1);
        if size > share {
            return share;
        }
        left -= size;
        count -= 1;
    }
    usize::MAX
}

fn write(pieces: &[Piece], is_kept: &[bool], level: usize) -> String {
    let mut text = String::new();
    let mut left_out: BTreeMap<&str, usize> = BTreeMap::new();
    let parts = pieces.iter().filter_map(part_of).zip(is_kept);
    for sort in parts.filter(|(_, kept)| !**kept).filter_map(|(part, _)| part.one_of) {
        *left_out.entry(sort).or_default() += 1;
    }
    let mut is_kept = is_kept.iter();
    for piece in pieces {
        let part = match piece {
            Piece::Fixed(fixed) => {
                text.push_str(fixed);
                continue;
            }
            Piece::Part(part) => part,
        };
        if is_kept.next() == Some(&false) {
            // Said once, where the first of them would stand.
            if let Some(number) = part.one_of.and_then(|sort| left_out.remove(sort)) {
                text.push_str(&notice(number, part.one_of.unwrap_or_default()));
            }
            continue;
        }
        text.push_str(&part.open);
        let mut room = level;
        let mut shown = 0;
        for line in &part.lines {
            let length = length(line);
            if length > room {
                break;
            }
            room -= length;
            shown += 1;
            text.push_str(line);
        }
        text.push_str(&part.end);
        if shown < part.lines.len() {
            text.push_str(&notice(part.lines.len() - shown, part.noun));
        }
        text.push_str(&part.close);
    }
    text
}

fn notice(number: usize, noun: &str) -> String {
    format!("\n*… {number} more {noun} left out here; the HTML report and the saved plan have them all.*\n\n")
}

/// In UTF-16 units.
pub(super) fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_give_way_first() {
        assert_eq!(water_level(vec![10, 20, 30], 60), usize::MAX);
        assert_eq!(water_level(vec![10, 100, 100], 110), 50);
        assert_eq!(water_level(vec![100, 10, 100], 50), 20);
        assert_eq!(water_level(Vec::new(), 0), usize::MAX);
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let part = |lines: usize| Part {
            open: "[".into(),
            lines: vec!["x\n".into(); lines],
            end: "]".into(),
            noun: "lines",
            one_of: Some("changes"),
            ..Part::default()
        };
        let few = [Piece::Fixed("head\n".into()), Piece::Part(part(3))];
        assert_eq!(assemble(&few, LIMIT), "head\n[x\nx\nx\n]");
        let long = assemble(&[Piece::Part(part(1_000)), Piece::Part(part(5))], 1_000);
        assert!(long.contains("more lines left out") && length(&long) <= 1_000, "{long}");
        assert!(long.ends_with("[x\nx\nx\nx\nx\n]"), "{long}");
        let many: Vec<Piece> = (0..20_000).map(|_| Piece::Part(part(1))).collect();
        let many = assemble(&many, LIMIT);
        let shown = many.matches('[').count();
        assert!(many.contains(&format!("{} more changes left out", 20_000 - shown)) && shown > 100, "{shown}");
    }
}
