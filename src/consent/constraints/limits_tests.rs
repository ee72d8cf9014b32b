//! Constraints never widen what may be sent: adding another constraint can only narrow it. Checked over generated
//! contracts, agreements and rules. Each mutant lets one rule lift another, and the laws must detect it.

use crate::consent::{
    agreement::compatibility::{Projection, Rule, compare},
    agreement::compatibility_tests::{base, changed},
    agreement::contract::Contract,
    agreement::schema::{ContractSchema, Partition},
    constraints::block::Block,
    constraints::environment::Constraints,
    constraints::limits::{Limits, Remaining},
    constraints::policy::Policies,
    state::consent::Consent,
};
use fastrand::Rng;
use serde_json::{Value, json};

impl Consent {
    /// Turns the contracts into those of a build that does not link these events.
    pub(crate) fn leave_out(&mut self, events: &[&str]) {
        for contract in &mut self.contracts {
            let left: Vec<_> = contract.events.iter().filter(|it| !events.contains(&it.name)).cloned().collect();
            *contract = Contract::new(&contract.party, contract.scope, &left);
        }
    }

    /// Turns the contracts into those of a build that does not declare this scope.
    pub(crate) fn leave_out_scope(&mut self, scope: crate::Scope) {
        self.contracts.retain(|contract| contract.scope != scope);
    }
}

const SEED: u64 = 20_261_122;
/// Enough rounds to detect every mutant.
const ROUNDS: usize = 2_000;
const MANY: usize = 10_000;

type Meet = fn(Limits, Limits) -> Limits;

/// A rule as an administrator might write it. It names things that exist and things that don't.
fn rule(rng: &mut Rng, build: &ContractSchema) -> Value {
    let mut names: Vec<String> = vec!["no.such.event".into()];
    let mut fields: Vec<String> = vec!["no.such.event.field".into(), "e1.none".into()];
    for event in &build.events {
        names.push(event.name.clone());
        fields.extend(event.fields.iter().map(|field| format!("{}.{}", event.name, field.name)));
    }
    let some =
        |rng: &mut Rng, from: &[String]| -> Vec<String> { from.iter().filter(|_| rng.u8(..5) == 0).cloned().collect() };
    let mut coarsen = serde_json::Map::new();
    for field in some(rng, &fields) {
        let left = if rng.bool() {
            json!([0, 10, 50, 60, 100, 500].iter().filter(|_| rng.bool()).collect::<Vec<_>>())
        } else {
            json!(["a", "b", "c", "other", "z"].iter().filter(|_| rng.bool()).collect::<Vec<_>>())
        };
        coarsen.insert(field, left);
    }
    let recipients: &[&str] = if rng.u8(..20) == 0 { &["a.example"] } else { &["c.example"] };
    let scopes: &[&str] = if rng.u8(..20) == 0 { &["playback"] } else { &["other"] };
    json!({
        "candor_policy": 1, "rule": "r",
        "forbid": {
            "everything": rng.u8(..30) == 0, "scopes": scopes, "recipients": recipients,
            "events": some(rng, &names), "fields": some(rng, &fields),
        },
        "coarsen": coarsen,
        "validity_days": if rng.bool() { Some(rng.u32(..1_000)) } else { None },
        "no_prompts": rng.bool(),
    })
}

/// What may be sent for each outcome, or `None`.
fn said<'p>(projection: &'p Projection, event: &str, field: usize) -> impl Fn(u16) -> Option<u16> + use<'p> {
    let rule = projection.get(event).map(|said| said.rules.get(field).unwrap_or(&Rule::Leave));
    move |outcome| rule.map(|rule| rule.of(outcome))
}

fn outcomes(partition: &Partition) -> u16 {
    match partition {
        Partition::Flag {} => 2,
        Partition::Labels { labels } => labels.len() as u16,
        Partition::Cuts { cuts, .. } => cuts.len() as u16,
        Partition::Code { .. } => 1,
        Partition::Cohort { bits } => 1 << bits.min(&8),
        Partition::Releases { most } => *most as u16 + 2,
    }
}

/// Whether what may be sent under `less` can be computed from what may be sent under `more`.
fn no_more(build: &ContractSchema, more: &Projection, less: &Projection) -> Result<(), String> {
    for event in &build.events {
        for (at, field) in event.fields.iter().enumerate() {
            let (more, less) = (said(more, &event.name, at), said(less, &event.name, at));
            let name = format!("{}.{}", event.name, field.name);
            let all = 0..=outcomes(&field.precision);
            for one in all.clone() {
                if more(one).is_none() && less(one).is_some() {
                    return Err(format!("{name} is said again"));
                }
                for other in all.clone() {
                    if more(one) == more(other) && less(one) != less(other) {
                        return Err(format!("{name} tells {one} from {other} again"));
                    }
                }
            }
        }
    }
    Ok(())
}

fn laws(meet: Meet, rounds: usize) -> Result<u32, String> {
    let mut rng = Rng::with_seed(SEED);
    let mut narrowed = 0;
    for round in 0..rounds {
        let agreed = changed(&mut rng, &base());
        let build = changed(&mut rng, &agreed);
        let whole = compare(&build, &agreed).projection;
        let (one, two) = (rule(&mut rng, &build), rule(&mut rng, &build));
        let parsed = |rules: &[&Value]| Policies::of(rules);
        let limits = |rule: &Value| parsed(&[rule]).limits(&build);
        let (first, second) = (limits(&one), limits(&two));
        let under_first = first.narrow(&build, whole.clone());
        let both = meet(first.clone(), second.clone());
        let under_both = both.narrow(&build, whole.clone());
        let at = |why: String| format!("round {round}: {why}\n{one}\n{two}");
        no_more(&build, &whole, &under_first).map_err(at)?;
        no_more(&build, &under_first, &under_both).map_err(at)?;
        no_more(&build, &second.narrow(&build, whole.clone()), &under_both).map_err(at)?;
        if meet(second.clone(), first.clone()).narrow(&build, whole.clone()) != under_both {
            return Err(at("the order of rules matters".into()));
        }
        if first.validity_days.is_some_and(|days| both.validity_days.is_none_or(|both| both > days)) {
            return Err(at("a yes is good for longer again".into()));
        }
        if first.forbidden && !both.forbidden {
            return Err(at("what was forbidden is open again".into()));
        }
        // If nothing is limited, no limit may be recorded.
        if first.digest().is_none() && (first.touches(&build) || under_first != whole) {
            return Err(at("a limit without a name".into()));
        }
        // A blocked scope stays blocked, whatever is added: an environment variable, another rule, or a rule that can't be
        // read.
        let environment = rng.bool().then(|| Block("an environment variable".into()));
        let less = Constraints { policies: parsed(&[&one]), ..Constraints::default() };
        let more = Constraints { block: environment, policies: parsed(&[&one, &two]), ..Constraints::default() };
        if less.block_of(&build).is_some() && more.block_of(&build).is_none() {
            return Err(at("what was closed is open again".into()));
        }
        if less.policies.no_prompts().is_some() && more.policies.no_prompts().is_none() {
            return Err(at("the program may ask again".into()));
        }
        narrowed += u32::from(under_both != under_first);
    }
    Ok(narrowed)
}

#[test]
fn no_constraint_raises_the_meet() {
    let narrowed = laws(Limits::meet, ROUNDS).unwrap_or_else(|why| panic!("{why}"));
    assert!(narrowed as usize > ROUNDS / 4, "the rules must say something: {narrowed}");
}

#[test]
#[ignore = "some seconds: `.ci/run order` runs it"]
fn no_constraint_raises_the_meet_over_many() {
    let narrowed = laws(Limits::meet, MANY).unwrap_or_else(|why| panic!("{why}"));
    println!("order: {MANY} overlays, {narrowed} of them narrower for one rule more");
}

#[test]
fn every_rule_that_lifts_another_is_noticed() {
    let mutants: [(&str, Meet); 5] = [
        ("the last rule counts", |_, second| second),
        ("what one forbids another allows", |first, second| {
            let forbidden = first.forbidden && second.forbidden;
            Limits { forbidden, ..first.meet(second) }
        }),
        ("the longer validity", |first, second| {
            let validity_days = first.validity_days.max(second.validity_days);
            Limits { validity_days, ..first.meet(second) }
        }),
        ("the last steps count", |first, second| {
            let mut both = first.meet(second);
            for left in both.coarser.values_mut() {
                left.drain(..left.len() - 1);
            }
            both
        }),
        ("the steps of both", |first, second| {
            let mut both = first.meet(second);
            for left in both.coarser.values_mut() {
                let all = left.iter().filter_map(|left| match left {
                    Remaining::Steps(steps) => Some(steps.clone()),
                    Remaining::Labels(_) => None,
                });
                *left = vec![Remaining::Steps(all.flatten().collect())];
            }
            both
        }),
    ];
    for (name, mutant) in mutants {
        assert!(laws(mutant, ROUNDS).is_err(), "the laws did not notice: {name}");
    }
}

#[test]
fn what_rules_leave_of_each_kind_of_field() {
    let mut build = base();
    let part = |name: &str, precision| crate::consent::agreement::schema::Field {
        name: name.into(),
        precision,
        ..build.events[0].fields[0].clone()
    };
    let closed = Partition::Labels { labels: vec!["a".into(), "b".into()] };
    let more = [part("closed", closed), part("flag", Partition::Flag {}), part("code", Partition::Code { bits: 64 })];
    build.events[0].fields.extend(more);
    let whole = compare(&build, &build).projection;
    let left = |field: &str, left: Value| {
        let rule = json!({"candor_policy": 1, "rule": "r", "coarsen": {format!("e1.{field}"): left}});
        let limits = Policies::of(&[&rule]).limits(&build);
        assert!(limits.touches(&build) && limits.digest().is_some(), "{rule}");
        let at = build.events[0].fields.iter().position(|it| it.name == field).unwrap();
        limits.narrow(&build, whole.clone()).get("e1").unwrap().rules[at].clone()
    };
    // `f1` has the steps 0, 10, 100 and 1000. Outcomes count from 1, and 0 means not known.
    let becomes = |map: &[u16]| Rule::Become(map.to_vec());
    assert_eq!(left("f1", json!([0, 100])), becomes(&[0, 1, 1, 3, 3]));
    assert_eq!(left("f1", json!([100])), becomes(&[0, 1, 1, 3, 3]), "the lowest step is where it begins");
    assert_eq!(left("f1", json!([50, 2_000])), becomes(&[0, 1, 1, 1, 1]), "steps that it has not are none");
    assert_eq!(left("f1", json!([])), becomes(&[0, 1, 1, 1, 1]));
    // `f2` has the labels a, b, c and other.
    assert_eq!(left("f2", json!(["a", "c"])), becomes(&[0, 1, 4, 3, 4]));
    assert_eq!(left("f2", json!(["z"])), becomes(&[0, 4, 4, 4, 4]));
    // Bounds or labels that do not fit the field's kind: the field is left out.
    assert_eq!(left("f1", json!(["a"])), Rule::Leave);
    assert_eq!(left("f2", json!([0, 10])), Rule::Leave);
    assert_eq!(left("closed", json!(["a"])), Rule::Leave, "the rest can't be told as `other`");
    assert_eq!(left("flag", json!([0])), Rule::Leave);
    assert_eq!(left("code", json!(["a"])), Rule::Leave);
    // Rules that forbid a whole field, event, scope or recipient, or everything. Names that match nothing have no effect.
    for (forbid, kept) in [
        (json!({"fields": ["e1.f1"]}), Some(Rule::Leave)),
        (json!({"events": ["e1"]}), None),
        (json!({"everything": true}), None),
        (json!({"scopes": ["playback"]}), None),
        (json!({"recipients": ["a.example"]}), None),
        (json!({"events": ["e2"], "fields": ["e1.f2", "f1", "e1"], "recipients": ["b.example"]}), Some(Rule::Keep)),
    ] {
        let rule = json!({"candor_policy": 1, "rule": "r", "forbid": forbid});
        let said = Policies::of(&[&rule]).limits(&build).narrow(&build, whole.clone());
        assert_eq!(said.get("e1").map(|said| said.rules[0].clone()), kept, "{rule}");
    }
}
