//! What a plan wants to know of live state, before it is made.

use crate::desired::Desired;
use crate::desired::secrets::Secrets;
use crate::kinds::Address;
use crate::live::Wanted;

/// What a plan wants to know of live state.
#[must_use]
pub fn wanted<'a>(desired: &'a Desired, secrets: &'a Secrets, replace: &[Address]) -> Wanted<'a> {
    let mut wanted = Wanted { audit: true, in_full: replace.to_vec(), ..Wanted::default() };
    for object in &desired.objects {
        wanted.objects.push((object.address.clone(), object.digest));
        let former = object.former_name.as_ref().map(|name| Address::new(object.address.kind, name.clone()));
        for secret in &object.secrets {
            if let Some(content) = secrets.get(&secret.reference) {
                let path = secret.path.to_string();
                wanted.secrets.extend(former.clone().map(|former| (former, path.clone(), content)));
                wanted.secrets.push((object.address.clone(), path, content));
            }
        }
        wanted.former.extend(former);
    }
    wanted
}
