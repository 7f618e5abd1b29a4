//! `--output-file FORMAT=PATH`: a result written to a file, beside what is shown.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::exit::{self, Exit};

/// Reads `FORMAT=PATH`.
///
/// # Errors
/// When the format is none of its sort or the path is missing, in a sentence for people.
pub fn read<F: ValueEnum>(text: &str) -> Result<(F, PathBuf), String> {
    let (format, path) = text.split_once('=').ok_or("write FORMAT=PATH, for example json=result.json")?;
    if path.is_empty() {
        return Err("the path is empty".to_owned());
    }
    let format = F::from_str(format, false).map_err(|_| {
        let known = F::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        let known: Vec<String> = known.map(|value| value.get_name().to_owned()).collect();
        format!("`{format}` is not a format: {}", known.join(", "))
    })?;
    Ok((format, path.into()))
}

/// Writes a file anew.
///
/// # Errors
/// When it cannot be written, which is said on standard error.
pub fn write(path: &Path, contents: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Exit> {
    let written = File::create(path).map(BufWriter::new).and_then(|mut file| {
        contents(&mut file)?;
        file.flush()
    });
    written.map_err(|error| exit::failed(format!("failed to write {}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::arguments::TextOrJson;

    #[test]
    fn a_format_and_a_path_are_read() {
        assert_eq!(read("json=a=b.json"), Ok((TextOrJson::Json, "a=b.json".into())));
        assert_eq!(read::<TextOrJson>("json="), Err("the path is empty".to_owned()));
        assert_eq!(read::<TextOrJson>("pdf=x"), Err("`pdf` is not a format: text, json".to_owned()));
        assert!(read::<TextOrJson>("json").is_err_and(|error| error.contains("FORMAT=PATH")));
    }
}
