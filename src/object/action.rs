//! The eleven things a plan can do to an address.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! actions {
    ($($variant:ident $text:literal $symbol:literal $doc:literal;)+) => {
        /// What apply does to one address.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        #[schemars(inline)]
        pub enum ActionKind { $(#[doc = $doc] $variant,)+ }

        impl ActionKind {
            /// All of them, in the order of the design.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// As written in JSON.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// As shown before an address.
            #[must_use]
            pub fn symbol(self) -> &'static str {
                match self { $(Self::$variant => $symbol,)+ }
            }
        }
    };
}

actions! {
    Create "create" "+" "Makes an object.";
    Update "update" "~" "Changes an object in place.";
    Replace "replace" "+/-" "Makes a new object with a new id, then archives or deletes the old one.";
    NewVersion "new-version" "^" "Adds a version and moves the pointer to it.";
    MakeCurrent "make-current" "^" "Moves the pointer to a version that exists.";
    Move "move" ">" "Gives an object another name; its id stays.";
    Delete "delete" "-" "Removes an object.";
    Archive "archive" ".-" "Takes an object out of use and frees its address; it keeps answering by id.";
    Restore "restore" ".+" "Brings an archived object back with its versions.";
    Adopt "adopt" "=" "Marks an object that was made by hand as managed.";
    PublishSettings "publish-settings" "!" "Publishes a system's settings.";
}

impl fmt::Display for ActionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
