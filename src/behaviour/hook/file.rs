//! Files as values: given with the call in base64, or named by a URL that the server reads (domain §4).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::error::{HookCode, HookError};
use super::file_url::FileUrl;
use super::reader::Fields;
use crate::kinds::time;

/// Bytes that all files of one call may have together: a request keeps its data in memory and writes them down at every
/// step.
pub const FILES_LIMIT: usize = 2 << 20;

/// Bytes of a description, at most.
const DESCRIPTION_LIMIT: usize = 4_096;

/// What a file is taken for when nobody says.
const UNKNOWN_CONTENT: &str = "application/octet-stream";

/// A file.
#[derive(Clone, Debug, PartialEq)]
pub struct FileValue {
    /// Where its bytes are.
    pub source: FileSource,
    /// Its media type.
    pub content_type: String,
    /// Free text.
    pub description: Option<String>,
    /// Its name, without folders.
    pub name: String,
    /// What the caller says its length is, in bytes.
    pub size: Option<u64>,
    /// When it was last changed, as the caller says.
    pub updated_at: Option<Timestamp>,
}

/// Where the bytes of a file are.
#[derive(Clone, PartialEq, Eq)]
pub enum FileSource {
    /// They came with the call.
    Content(Vec<u8>),
    /// In a file of the server's machine.
    Url(FileUrl),
}

impl std::fmt::Debug for FileSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Content(bytes) => write!(f, "Content({} bytes)", bytes.len()),
            Self::Url(url) => write!(f, "Url({url})"),
        }
    }
}

impl FileValue {
    /// Reads a `fileValue`; `prefix` stands before its fields in messages.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub(super) fn read(prefix: &str, object: &Map<String, Value>) -> Result<Self, Vec<HookError>> {
        let mut fields = Fields::new(object, prefix);
        let source = read_source(&mut fields);
        let content_type = fields.text("contentType");
        if content_type.as_deref().is_some_and(|text| !is_media_type(text)) {
            let place = fields.place("contentType");
            fields.error(HookCode::InvalidValue, format!("`{place}` must be a media type such as text/plain"));
        }
        let description = fields.long_text("description").map(str::to_owned);
        if description.as_ref().is_some_and(|text| text.len() > DESCRIPTION_LIMIT) {
            let place = fields.place("description");
            fields
                .error(HookCode::InvalidValue, format!("`{place}` must not be longer than {DESCRIPTION_LIMIT} bytes"));
        }
        let name = read_name(&mut fields, source.as_ref());
        let size = fields.whole("size");
        if let (Some(size), Some(FileSource::Content(bytes))) = (size, &source)
            && usize::try_from(size) != Ok(bytes.len())
        {
            let place = fields.place("size");
            fields.error(HookCode::InvalidValue, format!("`{place}` is {size}, the content has {}", bytes.len()));
        }
        let updated_at = fields.long_text("updatedAt").and_then(|text| {
            let read = time::parse(text);
            if let Err(error) = &read {
                let place = fields.place("updatedAt");
                fields.error(HookCode::InvalidValue, format!("`{place}`: {error}"));
            }
            read.ok()
        });
        let errors = fields.finish("a file");
        let content_type = content_type.unwrap_or_else(|| UNKNOWN_CONTENT.to_owned());
        match (source, name) {
            (Some(source), Some(name)) if errors.is_empty() => {
                Ok(Self { source, content_type, description, name, size, updated_at })
            }
            (_, _) => Err(errors),
        }
    }

    /// The value that the request keeps, once its bytes are there. `modified` is when the file that they were read from
    /// was last changed; what the caller says about it counts more.
    ///
    /// # Errors
    /// When the file's length is not what the caller says it is.
    pub fn to_value(&self, bytes: &[u8], modified: Option<Timestamp>) -> Result<Value, HookError> {
        if let Some(size) = self.size
            && usize::try_from(size) != Ok(bytes.len())
        {
            let message = format!("the file `{}` has {} bytes, not {size}", self.name, bytes.len());
            return Err(HookError::new(HookCode::InvalidValue, message));
        }
        let mut file = Map::new();
        file.insert("name".into(), json!(self.name));
        file.insert("contentType".into(), json!(self.content_type));
        file.insert("size".into(), json!(bytes.len()));
        if let Some(description) = &self.description {
            file.insert("description".into(), json!(description));
        }
        if let Some(at) = self.updated_at.or(modified) {
            file.insert("updatedAt".into(), json!(time::canonical(at)));
        }
        if let FileSource::Url(url) = &self.source {
            file.insert("url".into(), json!(url.to_string()));
        }
        file.insert("content".into(), json!(STANDARD.encode(bytes)));
        Ok(Value::Object(file))
    }
}

fn read_source(fields: &mut Fields<'_>) -> Option<FileSource> {
    let (content, url) = (fields.long_text("content"), fields.long_text("url"));
    if fields.value("upload").is_some() {
        let place = fields.place("upload");
        let message = format!("`{place}` is a part of a multipart request, and a call is JSON: give content or url");
        fields.error(HookCode::UploadRefused, message);
        return None;
    }
    match (content, url) {
        (Some(content), None) => match STANDARD.decode(content) {
            Ok(bytes) if bytes.len() > FILES_LIMIT => {
                let place = fields.place("content");
                let message = format!("`{place}` is larger than the {FILES_LIMIT} bytes that a call's files may have");
                fields.error(HookCode::FileTooLarge, message);
                None
            }
            Ok(bytes) => Some(FileSource::Content(bytes)),
            Err(_) => {
                let place = fields.place("content");
                fields.error(HookCode::InvalidValue, format!("`{place}` must be base64"));
                None
            }
        },
        (None, Some(url)) => match FileUrl::parse(url) {
            Ok(url) => Some(FileSource::Url(url)),
            Err(error) => {
                let place = fields.place("url");
                fields.error(HookCode::FileNotAllowed, format!("`{place}`: {error}"));
                None
            }
        },
        (Some(_), Some(_)) => {
            let place = fields.place("url");
            let message = format!("`{place}` must not be given beside content");
            fields.error(HookCode::ConflictingFields, message);
            None
        }
        (None, None) => {
            // One of another type has been said already.
            if !fields.has("content") && !fields.has("url") {
                let place = fields.place("content");
                fields.error(HookCode::MissingField, format!("`{place}` or url is needed"));
            }
            None
        }
    }
}

/// The name; that of the URL if none is given.
fn read_name(fields: &mut Fields<'_>, source: Option<&FileSource>) -> Option<String> {
    let name = fields.text("name");
    if let Some(name) = name {
        if matches!(name.as_str(), "." | "..") || name.contains(['/', '\\']) {
            let place = fields.place("name");
            fields.error(HookCode::InvalidValue, format!("`{place}` must be a file's name without folders"));
        }
        return Some(name);
    }
    match source {
        Some(FileSource::Url(url)) => Some(url.file_name().to_owned()),
        Some(FileSource::Content(_)) | None => {
            if source.is_some() && !fields.has("name") {
                let place = fields.place("name");
                fields.error(HookCode::MissingField, format!("`{place}` is needed"));
            }
            None
        }
    }
}

/// Whether a text is `type/subtype`, perhaps with parameters, in characters that a header may have.
fn is_media_type(text: &str) -> bool {
    let is_token = |token: &str| {
        !token.is_empty() && token.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
    };
    let (essence, parameters) = text.split_once(';').unwrap_or((text, ""));
    let essence = essence.trim_end().split_once('/');
    essence.is_some_and(|(of, sub)| is_token(of) && is_token(sub))
        && parameters.bytes().all(|b| b == b' ' || b.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &Value) -> Result<FileValue, Vec<HookCode>> {
        let object = value.as_object().cloned().unwrap_or_default();
        FileValue::read("f.", &object).map_err(|errors| errors.into_iter().map(|error| error.code).collect())
    }

    #[test]
    fn the_value_that_is_kept_says_what_the_file_is() {
        let file = read(&json!({"content": "aGk=", "name": "a.txt", "contentType": "text/plain", "size": 2}));
        let file = file.expect("a file");
        let kept = json!({"name": "a.txt", "contentType": "text/plain", "size": 2, "content": "aGk="});
        assert_eq!(file.to_value(b"hi", None), Ok(kept));

        let file = read(&json!({"url": "file:///in/b.bin", "size": 3, "updatedAt": "2031-01-01"})).expect("a file");
        let at = Timestamp::from_second(5).expect("a time");
        let kept = file.to_value(b"abc", Some(at)).expect("a value");
        assert_eq!(kept["name"], "b.bin");
        assert_eq!(kept["contentType"], UNKNOWN_CONTENT);
        assert_eq!(kept["updatedAt"], "2031-01-01T00:00:00Z");
        assert_eq!(kept["url"], "file:///in/b.bin");
        let error = file.to_value(b"ab", Some(at)).expect_err("another size");
        assert_eq!(error.code, HookCode::InvalidValue);
    }

    #[test]
    fn contents_are_not_printed() {
        let file = read(&json!({"content": "aGkgdGhlcmU=", "name": "a"})).expect("a file");
        assert!(!format!("{file:?}").contains("there"));
    }
}
