//! What a System drops of each event: whole events, properties, and text typed into input fields.

use super::SystemSpec;

/// The event and the property that carries text typed into an input field (a choice of ours: it is the text of the
/// element, and the element is the field).
pub const INPUT_TEXT: (&str, &str) = ("dxa.input", "elementText");

/// What a system drops of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Censorship<'s> {
    whole: bool,
    properties: &'s [String],
    input_text: bool,
}

impl<'s> Censorship<'s> {
    /// What this system drops of this event.
    #[must_use]
    pub fn of(system: &'s SystemSpec, event: &str) -> Self {
        let censor = system.censor.as_ref();
        Self {
            whole: censor.is_some_and(|censor| censor.events.iter().any(|dropped| dropped == event)),
            properties: censor.map_or(&[], |censor| &censor.properties),
            input_text: event == INPUT_TEXT.0 && censor.is_none_or(|censor| censor.input_text),
        }
    }

    /// Whether nothing of the event is kept.
    #[must_use]
    pub fn drops_all(&self) -> bool {
        self.whole
    }

    /// Whether a property of it is dropped.
    #[must_use]
    pub fn drops(&self, name: &str) -> bool {
        (self.input_text && name == INPUT_TEXT.1) || self.properties.iter().any(|dropped| dropped == name)
    }
}
