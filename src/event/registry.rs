//! Lists every scope and event type that is linked into the program, and numbers them once for the whole process. Never
//! reads consent or events.

use super::{
    budget::{self, Budget, Panels},
    check::BUDGET,
    field::Item,
    schema::{Linked, Schema},
};
use crate::{
    consent::{self, MAX_SCOPES, Scope, is_device, is_name},
    error::{Error, Kind},
};
use once_cell::race::OnceBox;

/// The linked scopes and schemas, each sorted by name. Numbers count from 1: the scope with number 3 is `scopes[2]`.
#[derive(Debug)]
pub(crate) struct Registry {
    scopes: Vec<Scope>,
    schemas: Vec<&'static Schema>,
    /// The joint budget of each scope, in their order, and the panels of its events.
    budgets: Vec<(Budget, Panels)>,
}

impl Registry {
    /// Collects what is linked, once. Later calls return the same registry.
    ///
    /// # Errors
    /// - Two scopes or two events have the same name.
    /// - A scope's name breaks the naming rule or is the name of a device on Windows.
    /// - There are more than `MAX_SCOPES - 1` scopes.
    /// - Events whose codes can be matched have more outcomes together than the budget allows.
    /// - The events of one scope together reveal too much about a person's items.
    /// - What stays the same about an installation has more outcomes than the scope's budget allows, even in panels.
    ///
    /// After an error no scope or event has a number, so nothing can be recorded.
    pub(crate) fn linked() -> Result<&'static Registry, Error> {
        static REGISTRY: OnceBox<Registry> = OnceBox::new();
        REGISTRY.get_or_try_init(|| {
            let registry = Registry::sorted(
                consent::linked_scopes().collect(),
                inventory::iter::<Linked>.into_iter().map(|linked| linked.0).collect(),
            )?;
            for (number, scope) in (1..).zip(&registry.scopes) {
                scope.set_index(number);
            }
            for (scope, (budget, panels)) in registry.scopes.iter().zip(&registry.budgets) {
                scope.set_stays(budget.outcomes, budget.panels);
                for schema in registry.schemas_of(*scope) {
                    if let Some(of) = panels.get(schema.name()) {
                        schema.set_panels(of.clone(), budget.panels);
                    }
                }
            }
            for (number, schema) in (1..).zip(&registry.schemas) {
                schema.set_index(number);
            }
            Ok(Box::new(registry))
        })
    }

    fn sorted(mut scopes: Vec<Scope>, mut schemas: Vec<&'static Schema>) -> Result<Registry, Error> {
        scopes.sort_by_key(|scope| scope.name());
        schemas.sort_by_key(|schema| schema.name());
        if scopes.len() >= MAX_SCOPES {
            return Err(Kind::TooManyScopes { count: scopes.len(), most: MAX_SCOPES - 1 }.into());
        }
        for scope in &scopes {
            if !is_name(scope.name()) {
                return Err(Kind::Name { what: "scope", name: scope.name().into(), such_as: "playback" }.into());
            }
            if is_device(scope.name()) {
                return Err(Kind::Device { what: "scope", name: scope.name().into() }.into());
            }
        }
        if let Some(name) = twice(scopes.iter().map(|scope| scope.name())) {
            return Err(Kind::DuplicateScope { name }.into());
        }
        if let Some(name) = twice(schemas.iter().map(|schema| schema.name())) {
            return Err(Kind::DuplicateEvent { name }.into());
        }
        if let Some((scope, events, outcomes)) = linked_budget(&schemas) {
            return Err(Kind::LinkedBudget { scope, events, outcomes, budget: BUDGET }.into());
        }
        for scope in &scopes {
            if let Some((events, why)) = too_many_items(schemas.iter().copied().filter(|it| it.scope() == *scope)) {
                return Err(Kind::Items { scope: scope.name(), events, why }.into());
            }
        }
        let budgets = scopes.iter().map(|scope| budget_of(*scope, &schemas)).collect::<Result<_, Error>>()?;
        Ok(Registry { scopes, schemas, budgets })
    }

    pub(crate) fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    pub(crate) fn schemas_of(&self, scope: Scope) -> impl Iterator<Item = &'static Schema> + '_ {
        self.schemas.iter().copied().filter(move |schema| schema.scope() == scope)
    }

    /// The schema with this number, counted from 1.
    pub(crate) fn schema(&self, index: u32) -> Option<&'static Schema> {
        self.schemas.get((index as usize).checked_sub(1)?).copied()
    }

    pub(crate) fn schema_named(&self, name: &str) -> Option<&'static Schema> {
        let at = self.schemas.binary_search_by_key(&name, |schema| schema.name()).ok()?;
        self.schemas.get(at).copied()
    }
}

/// Works out the joint budget of a scope and the panels of its events.
fn budget_of(scope: Scope, schemas: &[&'static Schema]) -> Result<(Budget, Panels), Error> {
    let own: Vec<&'static Schema> = schemas.iter().copied().filter(|schema| schema.scope() == scope).collect();
    let parts = budget::parts(&own, are_tied);
    let (bound, _) = scope.budget().unwrap_or((BUDGET, ""));
    budget::panels(&parts, bound).map_err(|outcomes| {
        let words = |part: &budget::Part| format!("{} {}", part.events.join(" with "), part.outcomes);
        let parts: Vec<String> = parts.iter().map(words).collect();
        Kind::Budget { scope: scope.name(), parts: parts.join(", "), outcomes, bound }.into()
    })
}

/// Checks the items of one scope. Returns the names of the events and what to change, or `None` if all is well.
///
/// What several events of a scope reveal about a person's library adds up. Together they may reveal at most half a nat,
/// where each event reveals (outcomes - 1) / 2 / `one_in`. They must also use one name space, because events in
/// different name spaces sample different items. Events that give a `reason` for sampling more are not counted here.
fn too_many_items(schemas: impl Iterator<Item = &'static Schema>) -> Option<(String, String)> {
    let chosen = schemas.filter_map(|schema| schema.item().filter(|it| it.reason.is_none()).map(|item| (schema, item)));
    let chosen: Vec<(&'static Schema, &Item)> = chosen.collect();
    let names = || chosen.iter().map(|(schema, _)| schema.name()).collect::<Vec<_>>().join(", ");
    let mut domains: Vec<&str> = chosen.iter().map(|(_, item)| item.domain).collect();
    domains.sort_unstable();
    domains.dedup();
    if let [first, second, ..] = domains.as_slice() {
        let why = format!(
            "sample in the name spaces `{first}` and `{second}`, so different items are counted for each: give their \
             item fields the same `domain`"
        );
        return Some((names(), why));
    }
    // In thousandths of a nat.
    let told = |(schema, item): &(&'static Schema, &Item)| {
        schema.outcomes().saturating_sub(1).saturating_mul(500).div_ceil(item.one_in.max(1))
    };
    let sum: u64 = chosen.iter().map(told).fold(0, u64::saturating_add);
    (sum > 500).then(|| {
        (
            names(),
            "tell too much about the items together: raise `one_in`, use coarser classes, or split the scope".into(),
        )
    })
}

/// Finds events whose codes can be matched with each other and which together have more outcomes than one event may
/// have. Returns the scope, the names of the events and the number of outcomes.
///
/// Two events are tied if they have the same scope, the same linkage, and a name space in common. Ties are transitive.
/// A code links the fields of tied events as if they were fields of one event.
fn linked_budget(schemas: &[&'static Schema]) -> Option<(&'static str, String, u128)> {
    let mut left: Vec<&'static Schema> = schemas.iter().copied().filter(|it| it.linkage().carries_code()).collect();
    while let Some(first) = left.pop() {
        let (mut batch_group, mut at) = (vec![first], 0);
        while let Some(&one) = batch_group.get(at) {
            let (more, rest) = left.into_iter().partition(|other| are_tied(one, other));
            batch_group.extend::<Vec<_>>(more);
            left = rest;
            at += 1;
        }
        let outcomes = batch_group.iter().fold(1u128, |all, event| all.saturating_mul(u128::from(event.outcomes())));
        if batch_group.len() > 1 && outcomes > u128::from(BUDGET) {
            let mut names: Vec<_> = batch_group.iter().map(|event| event.name()).collect();
            names.sort_unstable();
            return Some((first.scope().name(), names.join(", "), outcomes));
        }
    }
    None
}

/// Whether the codes of two events can be matched.
fn are_tied(a: &'static Schema, b: &'static Schema) -> bool {
    let domains =
        |schema: &'static Schema| schema.fields().iter().map(|field| field.domain).filter(|it| !it.is_empty());
    a.scope() == b.scope() && a.linkage() == b.linkage() && domains(a).any(|domain| domains(b).any(|it| it == domain))
}

/// The first name that occurs twice among sorted names.
fn twice(names: impl Iterator<Item = &'static str> + Clone) -> Option<&'static str> {
    names.clone().zip(names.skip(1)).find(|(a, b)| a == b).map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::{linked_budget, too_many_items, twice};
    use crate::{
        consent::{About, Scope, ScopeStatic, ScopeWords, UseAnswer, Uses},
        event::{Example, Field, Item, Linkage, Schema},
        precision::{COUNT, IDENTIFIER, MEDIA_DURATION, Precision},
    };

    fn scope() -> Scope {
        static SCOPE: ScopeStatic = ScopeStatic::new(ScopeWords {
            name: "s",
            constant: "S",
            title: "",
            purpose: "",
            benefit: "",
            revision: 1,
            about: About::Installation,
            retention_days: 1,
            uses: Uses {
                training: UseAnswer::No,
                sale_or_sharing: UseAnswer::No,
                advertising: UseAnswer::No,
                profiling: UseAnswer::No,
                judging_workers: UseAnswer::No,
            },
            also_never: &[],
        });
        Scope::of(&SCOPE)
    }

    fn field(name: &'static str, precision: Precision, domain: &'static str) -> Field {
        let (doc, class, example) = ("", "", Example::First);
        Field { name, doc, class, precision, optional: false, group: "", domain, reason: None, example }
    }

    fn event(name: &'static str, linkage: Linkage, fields: Vec<Field>, item: Option<Item>) -> &'static Schema {
        Box::leak(Box::new(Schema::declare(name, "", scope(), linkage, fields.leak(), item)))
    }

    fn played(name: &'static str, domain: &'static str, one_in: u64) -> &'static Schema {
        let item = Item { name: "film", doc: "", domain, one_in, reason: None };
        event(name, Linkage::Rollup, vec![field("f", MEDIA_DURATION, "")], Some(item))
    }

    #[test]
    fn items_of_a_scope_are_chosen_in_one_name_space_and_tell_half_a_nat() {
        let judge = |schemas: &[&'static Schema]| too_many_items(schemas.iter().copied()).map(|(_, why)| why);
        assert_eq!(judge(&[played("a", "film", 0), played("b", "film", 0)]), None);
        let why = judge(&[played("a", "film", 0), played("b", "movie", 0)]).unwrap();
        assert!(why.contains("`film` and `movie`"), "{why}");
        // Each reveals 5 / 2 / 32 of a nat, which is 78 thousandths. Six events are within the limit, seven are not.
        let many = |n: usize| (0..n).map(|_| played("a", "film", 0)).collect::<Vec<_>>();
        assert_eq!(judge(&many(6)), None);
        assert!(judge(&many(7)).unwrap().contains("raise `one_in`"));
        let fewer: Vec<_> = (0..7).map(|_| played("a", "film", 64)).collect();
        assert_eq!(judge(&fewer), None);
    }

    #[test]
    fn codes_tie_events_together_by_others_in_between() {
        let coded = |name, domains: &[&'static str]| {
            let mut fields = vec![field("n", COUNT, ""), field("m", MEDIA_DURATION, "")];
            fields.extend(domains.iter().map(|domain| match *domain {
                "x" => field("x", IDENTIFIER, "x"),
                _ => field("y", Precision::Cohort { bits: 1 }, "y"),
            }));
            event(name, Linkage::Month, fields, None)
        };
        let (x, both, y) = (coded("x", &["x"]), coded("both", &["x", "y"]), coded("y", &["y"]));
        let (_, names, outcomes) = linked_budget(&[x, both, y]).unwrap();
        assert_eq!((names.as_str(), outcomes), ("both, x, y", 78 * 156 * 156));
        assert_eq!(linked_budget(&[x, y]), None, "nothing ties these two");
    }

    #[test]
    fn names_that_occur_twice() {
        assert_eq!(twice(["a", "b", "b", "c", "c"].into_iter()), Some("b"));
        assert_eq!(twice(["a", "b"].into_iter()), None);
        assert_eq!(twice([].into_iter()), None);
    }
}
