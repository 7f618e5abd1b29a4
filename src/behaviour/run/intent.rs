//! Which intent an answer expresses.
//!
//! Answer and phrases are taken as words: runs of letters and digits in lower case, an apostrophe within a word left
//! out. A phrase is found where its words stand side by side in the answer. Of the phrases found the one with the most
//! words counts ("not sure" before "sure"); when several intents have one as long, the answer is taken for none of them
//! rather than for a guess. An answer that is exactly a phrase (less white space around it, in whatever case) is taken
//! first: so phrases without letters and digits can be given too.

use std::collections::{BTreeMap, BTreeSet};

/// The intent an answer expresses; `None` when it is none of them, or more than one.
#[must_use]
pub fn recognise<'i>(intents: &'i BTreeMap<String, Vec<String>>, answer: &str) -> Option<&'i str> {
    let whole = whole(answer);
    let exact: BTreeSet<&str> = intents
        .iter()
        .filter(|(_, phrases)| phrases.iter().any(|phrase| self::whole(phrase) == whole))
        .map(name)
        .collect();
    if let Some(intent) = only(&exact) {
        return Some(intent);
    }
    let said = words(answer);
    let mut longest = 0;
    let mut found: BTreeSet<&str> = BTreeSet::new();
    for (intent, phrases) in intents {
        for phrase in phrases {
            let phrase = words(phrase);
            if phrase.is_empty() || phrase.len() < longest || !said.windows(phrase.len()).any(|part| part == phrase) {
                continue;
            }
            if phrase.len() > longest {
                longest = phrase.len();
                found.clear();
            }
            found.insert(intent);
        }
    }
    only(&found)
}

fn name<'i>((intent, _): (&'i String, &'i Vec<String>)) -> &'i str {
    intent
}

fn only<'i>(found: &BTreeSet<&'i str>) -> Option<&'i str> {
    let mut found = found.iter().copied();
    match (found.next(), found.next()) {
        (Some(intent), None) => Some(intent),
        (Some(_), Some(_)) | (None, _) => None,
    }
}

fn whole(text: &str) -> String {
    text.trim().to_lowercase()
}

fn words(text: &str) -> Vec<String> {
    let text = text.to_lowercase().replace(['\'', '\u{2019}'], "");
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn phrases_are_found_as_words() {
        let intents = serde_json::from_value(json!({
            "agree": ["yes", "sure", "of course", "👍"], "decline": ["no", "not sure", "don't"],
        }));
        let intents = intents.expect("intents");
        let got = |answer| recognise(&intents, answer);
        for answer in ["yes", " YES! ", "Yes, please", "well of  course", "Of course, no problem", "👍"] {
            assert_eq!(got(answer), Some("agree"), "{answer}");
        }
        for answer in ["no", "I am not sure", "Don’t", "please don't"] {
            assert_eq!(got(answer), Some("decline"), "{answer}");
        }
        for answer in ["", "nothing", "yesterday", "yes or no", "👎", "course of"] {
            assert_eq!(got(answer), None, "{answer}");
        }
    }
}
