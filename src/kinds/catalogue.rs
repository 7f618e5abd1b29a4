//! The 32 built-in events with their properties, in the shape an EventType has.
//!
//! Events and their groups are the source's; ids, properties, types and data classes are ours (domain §2).

use std::sync::LazyLock;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::field::DataClass;

/// The type of a property's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum PropertyType {
    /// Text.
    String,
    /// A number.
    Number,
    /// true or false.
    Boolean,
    /// RFC 3339.
    Datetime,
}

impl PropertyType {
    /// As written in manifests.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Datetime => "datetime",
        }
    }
}

/// One property of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Property {
    /// Type of its values.
    #[serde(rename = "type")]
    pub value_type: PropertyType,
    /// What its values say about people: decides what is masked and what the data-flow diff reports.
    pub class: DataClass,
}

/// One built-in event.
#[derive(Clone, Debug)]
pub struct Event {
    /// `survey.submitted`.
    pub id: &'static str,
    /// The group's display name.
    pub group: &'static str,
    /// When it happens.
    pub happens: &'static str,
    /// Its properties, the common ones first.
    pub properties: IndexMap<&'static str, Property>,
}

/// The properties every event has, EventTypes included.
pub static COMMON: LazyLock<IndexMap<&'static str, Property>> = LazyLock::new(|| {
    "eventId event occurredAt systemId environment endUserId sessionId pageUrl pageTitle browser os windowSize continent country city maskedIp"
        .split(' ')
        .map(|name| (name, property(name)))
        .collect()
});

/// All built-in events by id, in the order of the domain's table.
pub static EVENTS: LazyLock<IndexMap<&'static str, Event>> = LazyLock::new(|| {
    ROWS.iter()
        .map(|&(group, id, happens, own)| {
            let mut properties = COMMON.clone();
            if !id.starts_with("dxa.") {
                for name in ["itemId", "itemName"] {
                    properties.insert(name, property(name));
                }
            }
            properties.extend(own.split_whitespace().map(|name| (name, property(name))));
            (id, Event { id, group, happens, properties })
        })
        .collect()
});

fn property(name: &str) -> Property {
    let value_type = match name {
        "score" | "quizScore" | "resultCount" | "stepNumber" => PropertyType::Number,
        "occurredAt" => PropertyType::Datetime,
        _ => PropertyType::String,
    };
    let class = match name {
        "endUserId" | "sessionId" | "answer" | "query" | "city" | "maskedIp" | "pageUrl" | "pageTitle"
        | "elementText" => DataClass::Personal,
        "itemName" | "stepName" | "goalName" | "taskName" | "questionText" | "courseName" => DataClass::Content,
        _ => DataClass::Technical,
    };
    Property { value_type, class }
}

const GOAL: &str = "goalId goalName";
const SURVEY: &str = "questionId questionText answer score";
const COURSE: &str = "courseId courseName";
const QUIZ: &str = "courseId courseName quizId quizScore";
const ELEMENT: &str = "elementText elementTag elementId elementClass elementHref elementType elementName elementRole";

/// Group, id, when it happens, its own properties.
const ROWS: [(&str, &str, &str, &str); 32] = [
    ("Smart Walk-Thru", "smart-walk-thru.step-played", "a given step was shown", "stepId stepName stepNumber"),
    ("Smart Walk-Thru", "smart-walk-thru.goal-reached", "a goal set on it was reached", GOAL),
    ("Smart Walk-Thru", "smart-walk-thru.started", "it was shown to the user", ""),
    ("Smart Walk-Thru", "smart-walk-thru.failed", "it could not start", "error"),
    ("Launcher", "launcher.clicked", "a user clicked it", ""),
    ("Onboarding", "onboarding.task-completed", "a given task was completed", "taskId taskName"),
    ("ShoutOut", "shoutout.action-clicked", "a user clicked its action", "action"),
    ("ShoutOut", "shoutout.dismissed", "it was dismissed", ""),
    ("ShoutOut", "shoutout.goal-reached", "its goal was reached", GOAL),
    ("ShoutOut", "shoutout.shown", "it was shown", ""),
    ("SmartTip", "smarttip.message-shown", "its message was shown", ""),
    ("SmartTip", "smarttip.validation-failed", "its validation rule fired", "rule fieldName"),
    ("Survey", "survey.question-answered", "a given question was answered", SURVEY),
    ("Survey", "survey.dismissed", "it was started but not submitted", SURVEY),
    ("Survey", "survey.submitted", "it was submitted", SURVEY),
    ("Menu", "menu.opened", "the menu was opened", ""),
    ("Menu", "menu.searched", "the search bar was used", "query resultCount"),
    ("Menu", "menu.item-selected", "a search result was chosen", "query resultCount"),
    ("Shuttle", "shuttle.goal-reached", "its goal was reached", GOAL),
    ("Resource", "resource.clicked", "a resource was used", ""),
    ("Resource", "resource.goal-reached", "its goal was reached", GOAL),
    ("TeachMe", "teachme.visible", "a course was visible", COURSE),
    ("TeachMe", "teachme.step-started", "a step started", "courseId courseName stepId stepName stepNumber"),
    ("TeachMe", "teachme.course-started", "a course started", COURSE),
    ("TeachMe", "teachme.course-completed", "a course was completed", COURSE),
    ("TeachMe", "teachme.quiz-played", "a quiz was played", QUIZ),
    ("TeachMe", "teachme.quiz-submitted", "a quiz was submitted", QUIZ),
    ("TeachMe", "teachme.quiz-passed", "submitted and passed", QUIZ),
    ("TeachMe", "teachme.quiz-failed", "submitted and not passed", QUIZ),
    ("Digital Experience Analytics", "dxa.clicked", "an element of the site was clicked or tapped", ELEMENT),
    ("Digital Experience Analytics", "dxa.input", "an input field was used", ELEMENT),
    ("Digital Experience Analytics", "dxa.page-viewed", "a page was viewed", ""),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_32_events_with_the_common_properties() {
        assert_eq!(EVENTS.len(), 32);
        for event in EVENTS.values() {
            assert!(COMMON.keys().all(|name| event.properties.contains_key(name)), "{}", event.id);
            assert!(
                event.id.contains('.'),
                "a dot keeps built-in ids apart from the names of EventTypes: {}",
                event.id
            );
        }
    }

    #[test]
    fn types_and_classes_are_the_domains() {
        let survey = EVENTS.get("survey.submitted").map(|e| &e.properties);
        let of = |name| survey.and_then(|p| p.get(name)).copied();
        assert_eq!(of("score"), Some(Property { value_type: PropertyType::Number, class: DataClass::Technical }));
        assert_eq!(of("answer"), Some(Property { value_type: PropertyType::String, class: DataClass::Personal }));
        assert_eq!(of("occurredAt").map(|p| p.value_type), Some(PropertyType::Datetime));
        assert!(of("query").is_none());
    }
}
