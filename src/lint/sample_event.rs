//! Events that meet conditions: a proof that they can be met at all, or by two webhooks at once.
//!
//! Values are guessed from the rows and kept only where it is certain that every row is as wanted. What cannot be
//! guessed, such as a text for a pattern, proves nothing.

use std::collections::BTreeMap;

use serde_json::{Number, Value, json};

use crate::kinds::catalogue::PropertyType;
use crate::kinds::condition::{Condition, Operator};
use crate::kinds::scope::{EventProperties, Scope, event_properties};
use crate::kinds::system::SystemSpec;
use crate::kinds::system::censorship::Censorship;
use crate::kinds::{Kind, Spec, time};
use crate::lint::condition_logic::find_way;
use crate::lint::row_logic::Literal;
use crate::lint::written::Subject;

/// Ways to meet the conditions that are tried.
const WAYS: usize = 50;
/// Values tried for one property.
const VALUES: usize = 200;
/// What every event has (domain §2).
const ALWAYS: [&str; 5] = ["eventId", "event", "occurredAt", "systemId", "endUserId"];

/// An event as a system's webhooks see it.
#[derive(Debug)]
pub(super) struct Event<'s> {
    id: &'s str,
    system: &'s SystemSpec,
    known: EventProperties<'s>,
    censorship: Censorship<'s>,
}

/// Values by property; `None` for one that the event does not have.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct SampleEvent(pub BTreeMap<String, Option<Value>>);

impl<'s> Event<'s> {
    /// `None` where the system or the event is not known, or the system drops it.
    pub(super) fn of(scope: &'s dyn Scope, system: &str, id: &'s str) -> Option<Self> {
        let Some(Spec::System(system)) = scope.get(Kind::System, system) else { return None };
        let known = event_properties(scope, id)?;
        let censorship = Censorship::of(system, id);
        (!censorship.drops_all()).then_some(Self { id, system, known, censorship })
    }

    /// An event that is certain to meet all of these conditions.
    pub(super) fn met_by(&self, conditions: &[&Condition]) -> Option<SampleEvent> {
        let mut ways = 0;
        let mut found = None;
        find_way(conditions.iter().map(|condition| (*condition, true)), &mut |literals| {
            ways += 1;
            found = self.sample(literals);
            found.is_some() || ways >= WAYS
        });
        found
    }

    fn sample(&self, literals: &[Literal<'_>]) -> Option<SampleEvent> {
        let mut by_property: BTreeMap<&str, Vec<Literal<'_>>> = BTreeMap::new();
        for literal in literals {
            by_property.entry(&literal.row.property).or_default().push(*literal);
        }
        let values = by_property.into_iter().map(|(property, literals)| {
            let fits = |value: &Option<Value>| literals.iter().all(|literal| literal.is_met_by(value.as_ref()));
            let value = self.values(property, &literals).into_iter().take(VALUES).find(fits)?;
            Some((property.to_owned(), value))
        });
        values.collect::<Option<_>>().map(SampleEvent)
    }

    /// What a property may be, likely values first.
    fn values(&self, property: &str, literals: &[Literal<'_>]) -> Vec<Option<Value>> {
        if self.censorship.drops(property) {
            return vec![None];
        }
        let given = match property {
            "event" => vec![Value::from(self.id)],
            "systemId" => self.system.system_id.iter().map(|id| Value::from(id.as_str())).collect(),
            // Nobody knows the ids whose hashes would fit.
            "endUserId" if self.system.end_user_id.is_some() => Vec::new(),
            "environment" if !self.system.environments.is_empty() => {
                self.system.environments.keys().map(|name| Value::from(name.as_str())).collect()
            }
            _ => match self.known.get(property).map(|property| property.value_type) {
                Some(PropertyType::String) => texts(literals),
                Some(PropertyType::Number) => numbers(literals),
                Some(PropertyType::Boolean) => vec![json!(true), json!(false)],
                Some(PropertyType::Datetime) => datetimes(literals),
                None => Vec::new(),
            },
        };
        let absent = (!ALWAYS.contains(&property)).then_some(None);
        given.into_iter().map(Some).chain(absent).collect()
    }
}

fn operands<'c>(literals: &[Literal<'c>]) -> Vec<&'c Value> {
    let of = |literal: &Literal<'c>| -> &'c [Value] {
        match &literal.row.value {
            Some(Value::Array(list)) => list,
            Some(single) => std::slice::from_ref(single),
            None => &[],
        }
    };
    literals.iter().flat_map(of).collect()
}

fn texts(literals: &[Literal<'_>]) -> Vec<Value> {
    let wanted = |operator: Operator| {
        let asked = literals.iter().filter(move |literal| literal.holds && literal.row.operator == operator);
        asked.filter_map(|literal| literal.row.value.as_ref()?.as_str())
    };
    let longest = |operator: Operator| wanted(operator).max_by_key(|text| text.len()).unwrap_or_default();
    let parts: String = wanted(Operator::Contains).collect();
    let like: String = wanted(Operator::Like).next().unwrap_or_default().split('%').collect();
    let mut texts: Vec<String> = operands(literals).into_iter().filter_map(|v| Some(v.as_str()?.to_owned())).collect();
    texts.push(format!("{}{like}{parts}{}", longest(Operator::StartsWith), longest(Operator::EndsWith)));
    texts.extend(["any".to_owned(), "other".to_owned()]);
    texts.into_iter().map(Value::String).collect()
}

fn numbers(literals: &[Literal<'_>]) -> Vec<Value> {
    let mut values = Vec::new();
    for number in operands(literals).into_iter().filter_map(Value::as_f64) {
        // Whole numbers are what people expect to read.
        for near in [number, number - 1.0, number + 1.0, number - 0.5, number + 0.5] {
            let whole = format!("{near:.0}").parse::<i64>().ok().filter(|_| near.fract() == 0.0);
            values.extend(whole.map_or_else(|| Number::from_f64(near).map(Value::Number), |whole| Some(json!(whole))));
        }
    }
    values.push(json!(0));
    values
}

fn datetimes(literals: &[Literal<'_>]) -> Vec<Value> {
    let mut values = Vec::new();
    for at in operands(literals).into_iter().filter_map(|value| time::parse(value.as_str()?).ok()) {
        for seconds in [0, -1, 1] {
            let near = at.checked_add(jiff::SignedDuration::from_secs(seconds)).ok();
            values.extend(near.map(|near| Value::String(time::canonical(near))));
        }
    }
    values.push(json!("2031-01-01T00:00:00Z"));
    values
}

impl SampleEvent {
    /// `for example with score 3 and no country`.
    pub(super) fn told(&self, subject: Subject<'_>) -> String {
        let told = |(property, value): (&String, &Option<Value>)| match value {
            None => format!("no {property}"),
            Some(value) => format!("{property} {}", subject.told(property, value)),
        };
        let told: Vec<String> = self.0.iter().map(told).collect();
        match told.as_slice() {
            [] => "each of them".to_owned(),
            [single] => format!("for example one with {single}"),
            [rest @ .., last] => format!("for example one with {} and {last}", rest.join(", ")),
        }
    }
}
