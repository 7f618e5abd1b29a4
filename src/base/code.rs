//! Every diagnostic code, each with what `trueup explain CODE` says. A code is never renamed or reused.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

macro_rules! codes {
    ($($variant:ident $name:literal $title:literal $text:literal;)+) => {
        /// A stable name for one sort of problem.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $(#[doc = $title] $variant,)+ }

        impl Code {
            /// All codes, in the order of this file.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name as printed: lower-case words with hyphens.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What it is, in one line.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)+ }
            }

            /// Why it is refused, and how to mend it.
            #[must_use]
            pub fn explanation(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl FromStr for Code {
            type Err = ();
            fn from_str(text: &str) -> Result<Self, ()> {
                match text { $($name => Ok(Self::$variant),)+ _ => Err(()) }
            }
        }
    };
}

codes! {
    // Reading
    UnreadableFile "unreadable-file" "a file or folder could not be read"
        "The file or folder exists and the operating system refused to read it, or it is neither a file nor a folder. Check its permissions. Nothing is planned while a manifest may be missing, because a missing manifest looks like a removal.";
    NotText "not-text" "a manifest is not UTF-8 text"
        "Manifests are UTF-8, with or without a byte order mark. Re-save the file as UTF-8, or rename it or name it in .trueupignore if it is not a manifest.";
    TooLarge "too-large" "an input is over a size limit"
        "A manifest file may have 64 MiB, a document 1,000,000 nodes after its aliases are expanded, and nest 128 levels. Larger input is a mistake or an attack; split it.";
    YamlSyntax "yaml-syntax" "the YAML or JSON cannot be parsed"
        "The position is where the parser could not go on; the mistake is there or just above. Other documents of the same file are still read where the parser can resume.";
    DuplicateKey "duplicate-key" "a key stands twice in one map"
        "YAML tools silently keep one of the two. trueup refuses, so that a line is never without effect. Remove one.";
    AliasBudget "alias-budget" "aliases expand to too many nodes"
        "Anchors and aliases are expanded under a budget so that a small file cannot grow without bound (an 'alias bomb'). Write the values out, or split the document.";
    YamlUnsupported "yaml-unsupported" "a YAML feature that manifests do not use"
        "Custom tags, non-scalar keys, numbers outside 64 bits, NaN and infinity have no meaning in a manifest. Use plain maps, lists, strings, numbers and booleans.";
    NullValue "null-value" "null outside a patch"
        "In a target's patch null removes a field. Elsewhere it is nearly always a value that was forgotten. Leave the field out, or give it a value.";
    // Envelope
    NotAManifest "not-a-manifest" "a document is not a manifest"
        "Every document has apiVersion: trueup/v1, kind, metadata and spec. Files that are not manifests can be named in .trueupignore.";
    UnknownKind "unknown-kind" "the kind does not exist"
        "See `trueup explain` for the list of kinds. Kinds are case-sensitive.";
    ApiVersion "api-version" "the apiVersion is not one this program reads"
        "This program reads trueup/v1.";
    InvalidName "invalid-name" "a name does not follow the pattern"
        "Names are identity: lower-case letters, digits and hyphens, 1 to 63 characters, beginning and ending with a letter or digit. What people read goes into metadata.displayName.";
    DuplicateAddress "duplicate-address" "two manifests have the same kind and name"
        "Kind and name are the identity of an object within a project. Both places are named; rename or remove one.";
    InvalidAnnotation "invalid-annotation" "an annotation of trueup.dev is unknown or has a wrong value"
        "Known: trueup.dev/protect (\"true\" or \"false\"), trueup.dev/ignore-drift (paths with commas), trueup.dev/was (the former name), trueup.dev/reconcile (\"suspended\").";
    // Schema and types
    UnknownField "unknown-field" "a field the schema does not have"
        "Unknown fields are refused, because a misspelt field would silently do nothing. `trueup explain KIND` lists the fields.";
    MissingField "missing-field" "a required field is absent"
        "Add the field. `trueup explain KIND.spec.field` says what it takes.";
    WrongType "wrong-type" "a value has another type than the field"
        "For example a number where a text is expected. YAML reads unquoted 12 as a number and \"12\" as a text.";
    InvalidValue "invalid-value" "a value breaks the field's rule"
        "The message names the rule: a pattern, a length, a range or a list of allowed values.";
    SecretLiteral "secret-literal" "a secret is written out"
        "Secrets are never written into manifests. Use { fromEnv: NAME }, { fromFile: path } or { fromCommand: [program, argument] }. If this file was committed, consider the secret lost and change it.";
    ExclusiveFields "exclusive-fields" "fields that exclude each other, or none of a required choice"
        "The message names the fields, of which exactly or at least one must be given.";
    // Variables, targets, project
    UnknownVariable "unknown-variable" "a reference to a variable that is not declared"
        "Declare it under spec.variables in trueup.yaml. `${var.name}` and `${target.name}` are understood; `$${` is a literal `${`.";
    UnsetVariable "unset-variable" "a variable has no value"
        "Give it a default, a value in the target, --var name=value or --var-file. An unset variable is never an empty text.";
    UnknownTarget "unknown-target" "the target is not in the project file"
        "Targets stand under spec.targets in trueup.yaml. Without any there is one, `local`.";
    InvalidPatch "invalid-patch" "a target's patch does not fit"
        "A patch names an existing manifest by address and may not change its kind or name.";
    // References
    UnknownReference "unknown-reference" "a reference to an object that the project does not have"
        "References are names of manifests of the project. To point outside it, where the field allows, write { id: … }.";
    UnknownEvent "unknown-event" "an event that does not exist"
        "An event is one of the 32 built-in ones or the name of an EventType of the project.";
    ReservedEvent "reserved-event" "an EventType that would redefine a built-in event"
        "The 32 built-in events can be referred to, not redefined. Choose another name.";
    // Rules of kinds
    UnknownProperty "unknown-property" "a property the event does not have"
        "Conditions, include and rename name properties of the webhook's event; `trueup explain EVENT` lists those of a built-in event, the EventType those of your own.";
    PropertyName "property-name" "a property name that receivers cannot use"
        "A property name has no spaces; words are joined by _ or in camelCase.";
    PropertyCollision "property-collision" "two properties are sent under one name"
        "After renaming and adding static ones every name must be unique, otherwise one value would be lost.";
    OperandType "operand-type" "a condition's value does not fit the property or operator"
        "Numbers compare with numbers, datetimes with before and after, in and notIn take a list, exists takes no value.";
    InvalidPattern "invalid-pattern" "a regular expression cannot be compiled"
        "`matches` takes a linear-time regular expression: no look-around and no back-references.";
    InvalidUrl "invalid-url" "a URL that cannot be called"
        "An absolute http or https URL is needed. The host cannot be a placeholder's.";
    InvalidTime "invalid-time" "a date or time that is not understood"
        "YYYY-MM-DD, YYYY-MM-DD hh:mm (both UTC) or RFC 3339 with an offset.";
    TimeOrder "time-order" "an end that is not after its start"
        "endAt must be later than startAt.";
    TimePast "time-past" "an end that is already past"
        "A notification that ended before it begins would reach nobody.";
    UnknownOverride "unknown-override" "an override the template has no placeholder for"
        "Keys of override are the template's ###PLACEHOLDER### names, exactly, with or without the hashes.";
    MissingOverride "missing-override" "a placeholder without a value"
        "End users would read ###NAME###. Add the name to override.";
    ButtonLink "button-link" "a button link without a scheme"
        "A link starts with a scheme such as https:// or is a placeholder.";
    TooManyEndUsers "too-many-end-users" "end users are better addressed by an audience"
        "Up to 100 end users can be named; above 10 an audience is recommended.";
    NotAWorkstation "not-a-workstation" "a template or notification on a system that is not a workstation"
        "Templates and notifications live on systems with platform: workstation.";
    SystemRequired "system-required" "the system cannot be told"
        "spec.system may be left out only when the project has exactly one workstation system.";
    ReservedHeader "reserved-header" "a header that cannot be set here"
        "Authorization is set through auth, so that its secret is kept as one. Host, Content-Length, Connection and Transfer-Encoding belong to the transport.";
    InvalidHeader "invalid-header" "a header name or value that HTTP does not allow"
        "Names are tokens (letters, digits and !#$%&'*+-.^_`|~); values have no line breaks.";
    BodyNotAllowed "body-not-allowed" "a body where the method sends none"
        "Only POST, PUT and PATCH have a content type and a body.";
    ContentType "content-type" "content type and body do not fit"
        "json, xml and formEncoded take body or, for formEncoded, form; formData takes form only.";
    VariableTarget "variable-target" "a target that set-variables does not have"
        "The targets are fixed per type; see `trueup explain Workflow.spec.steps.setVariables.target`.";
    DottedPath "dotted-path" "not a dotted path"
        "A dotted path names a place in a response, for example users.0.title: keys and indices joined by dots.";
    DuplicateStep "duplicate-step" "two steps have the same name"
        "Step names are unique within a workflow.";
    DuplicateData "duplicate-data" "two data items have the same name"
        "Data names are unique within a workflow.";
    UnroutedExit "unrouted-exit" "an exit of a step leads nowhere"
        "Every exit a step type has must be routed, apart from a task's cancelled and error.";
    UnknownExit "unknown-exit" "a route for an exit the step does not have"
        "The exits follow from the step's type; for sayIntent from its intents.";
    RouteToNowhere "route-to-nowhere" "a route to a step that does not exist"
        "Routes, start, cases and otherwise name steps of the same workflow.";
    UnreachableStep "unreachable-step" "a step no path leads to"
        "No route from start reaches it; remove it or route to it.";
    EndlessCycle "endless-cycle" "a cycle in which nothing waits for a person"
        "A run would go round for ever. Put a sayGather, sayIntent or task into it, or end it. As a warning: no step of type end can be reached from start, so that no request is ever completed.";
    UndeclaredVariable "undeclared-variable" "a variable that no data item and no step sets"
        "A run's variables are its data and what its steps set; names are case-sensitive.";
    // Tests
    DuplicateCase "duplicate-case" "two cases of a test have the same name"
        "A case is known by the name of its test and its own: in reports, and to --case. Rename one.";
    UnfitExpectation "unfit-expectation" "an expectation that this sort of case does not have"
        "An event expects deliveries; a render title, runtimeTitle, body, buttonText, link and unresolved; an audience member; a workflow path, variables and requests.";
    // Lint
    DuplicateDelivery "duplicate-delivery" "two webhooks send the same event to the same URL"
        "The receiver would get every such event twice. Join them, or make their conditions exclude each other.";
    Unused "unused" "an object nothing refers to"
        "A destination no webhook uses, a template or audience nobody is notified with: remove it, or ignore this while it is being built.";
    ImpossibleCondition "impossible-condition" "conditions that can never hold"
        "The message names the rows that exclude each other. Nothing is ever sent, nobody is in the audience, the case is never taken.";
    ShadowedCondition "shadowed-condition" "a condition or a case that decides nothing"
        "Whatever the values are, taking it away changes nothing: the conditions beside it, or the cases before it, already say it, or it can never hold. The message names the rows that exclude each other. Remove it, or correct it: most often a bound or the order of the cases is not the one that was meant.";
    SameHostDelivery "same-host-delivery" "two webhooks send the same event to the same host"
        "The URLs differ and the conditions overlap, so that the host is told of one event twice; the message gives an event that both send. That may be meant, where two parts of one service listen. Otherwise join them, or make their conditions exclude each other.";
    PlainHttp "plain-http" "a destination without TLS"
        "What is sent, secrets included, can be read and changed on the way. Use https.";
    // Policies
    InvalidExpression "invalid-expression" "a policy's rule that cannot be run"
        "A rule is an expression of CEL that is true or false, over object, before, action, target and flow. It has at most 1,024 bytes, brackets at most 32 deep and comprehensions (all, exists, filter, map) at most 2 deep. docs/policies.md shows what can be written.";
    PolicyViolation "policy-violation" "an object that breaks a policy, or on which a rule has no answer"
        "The message is the policy's own. As an error it refuses the plan, and validate, plan and apply end with exit code 5. A rule that cannot be evaluated, for example because a field is not there, counts as broken: ask has(object.spec.field) first.";
    // Target, plan
    SecretUnavailable "secret-unavailable" "a secret that cannot be read"
        "apply needs every secret it writes. Set the environment variable, create the file, or allow commands with --allow-secret-commands and files outside the project with --allow-secret-path.";
    SecretMasked "secret-masked" "a secret that looks like a mask"
        "The content looks like what consoles show in place of a secret (****). Writing it would destroy the real one.";
    ImmutableField "immutable-field" "a change to a field that cannot be changed"
        "The target keeps this for the life of the object. Give the manifest a new name to make a new object.";
    EndedNotification "ended-notification" "a change to a notification that has ended"
        "An ended notification is history. Use a new name for a new one.";
    NotSupported "not-supported" "something the target cannot express"
        "The target does not have this kind or field. Remove it for this target with a patch, or use another target.";
    StillReferred "still-referred" "a live object refers to what would be renamed, replaced or removed"
        "An object that this plan does not write, because it is no longer in the manifests or was made by hand, refers to the one that would go. Remove it with --prune, bring it into the manifests (`trueup adopt`), or leave the other one as it is.";
    LostListener "lost-listener" "an event loses its last listener"
        "Before this change a webhook sent this event of this system, and after it none does. Events go on arriving and nothing comes of them. The message says what becomes of each webhook that listened.";
    OutsideSelection "outside-selection" "an action would have to write outside the selection"
        "--only, --exclude, -l and a path narrow a plan. What the selected objects need must be live already or be selected too.";
    Unmanaged "unmanaged" "a live object that trueup does not manage"
        "An object of that address was made by hand. Take it over with --adopt, or rename the manifest.";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_documented_and_read_back() {
        for code in Code::ALL {
            assert!(!code.title().is_empty() && code.explanation().len() > 20, "{code}");
            assert_eq!(code.as_str().parse(), Ok(*code));
        }
    }

    #[test]
    fn every_code_is_used() {
        fn sources(folder: &std::path::Path, text: &mut String) {
            for entry in std::fs::read_dir(folder).expect("a folder of sources") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    sources(&path, text);
                } else if !path.ends_with("base/code.rs") {
                    text.push_str(&std::fs::read_to_string(&path).expect("a source"));
                }
            }
        }
        let mut text = String::new();
        sources(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut text);
        let words: std::collections::BTreeSet<&str> =
            text.split(|c: char| !c.is_alphanumeric() && c != ':').filter(|word| word.starts_with("Code::")).collect();
        let unused: Vec<&Code> = Code::ALL.iter().filter(|code| !words.contains(&*format!("Code::{code:?}"))).collect();
        assert!(unused.is_empty(), "a code that nothing reports is a promise: remove {unused:?}");
    }
}
