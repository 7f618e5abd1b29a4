//! A case of an audience: whether somebody is in it.

use serde_json::Value;

use super::case::Case;
use super::configuration::Configuration;
use super::report::CaseError;
use super::why::Asked;
use crate::base::path::Path;
use crate::behaviour::end_user::EndUserIds;
use crate::behaviour::membership::CompiledAudience;
use crate::kinds::test::given::GivenAudience;
use crate::kinds::{Kind, Spec};

/// Evaluates a case.
pub(super) fn evaluate(
    configuration: &Configuration<'_>,
    given: &GivenAudience,
    expected: bool,
    case: &mut Case<'_>,
) -> Result<(), CaseError> {
    let object = configuration.object(Kind::Audience, &given.name)?;
    let Spec::Audience(audience) = &*object.spec else {
        return Err(CaseError::new(format!("{} is no Audience", object.address)));
    };
    let compiled =
        CompiledAudience::new(audience, EndUserIds::PLAIN).map_err(|error| CaseError::new(error.to_string()))?;
    let end_user = match (&given.end_user_id, &audience.members) {
        (Some(id), _) => id.as_str(),
        (None, None) => "",
        (None, Some(_)) => {
            let message = format!("{} is a list of members: an id is needed to ask about", object.address);
            return Err(CaseError::new(message).help("add endUserId"));
        }
    };
    let attributes = &given.attributes;
    let is_member = compiled.has(end_user, attributes);
    let asked = Asked { type_of: &|_| None, values: attributes };
    let at = Path::keys("spec.match");
    if let Some(rule) = &audience.rule {
        case.touch(|touched| touched.rows(&object.address, asked.rows(rule, &at)));
    }
    if is_member != expected {
        let decided = match &audience.rule {
            Some(rule) => configuration.rows(&object.address, &at, asked.deciding(rule, &at).1),
            None => {
                let says = format!("`{end_user}` is {}one of the members", if is_member { "" } else { "not " });
                vec![configuration.decider(&object.address, Path::keys("spec.members"), says)]
            }
        };
        let path = Path::keys("member");
        case.differs(path.clone(), &path, (Some(Value::Bool(expected)), Some(Value::Bool(is_member))), decided);
    }
    Ok(())
}
