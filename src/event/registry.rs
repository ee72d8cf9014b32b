//! Every scope and event type linked into the program, numbered once for the whole process.

use super::{
    check::{BUDGET, is_name},
    schema::{Item, Linked, Schema},
};
use crate::{
    consent::{self, MAX_SCOPES, Scope},
    error::{Error, Kind},
};
use once_cell::sync::OnceCell;

/// The linked scopes and schemas, each sorted by name. Numbers count from 1: the scope numbered 3 is `scopes[2]`.
#[derive(Debug)]
pub(crate) struct Registry {
    scopes: Vec<Scope>,
    schemas: Vec<&'static Schema>,
}

impl Registry {
    /// Reads what is linked, once; later calls answer the same.
    ///
    /// # Errors
    /// Two scopes or two events share a name, a scope's name breaks the rule, or there are more scopes than gates. Then
    /// nothing is numbered, so that nothing can be recorded.
    pub(crate) fn linked() -> Result<&'static Registry, Error> {
        static REGISTRY: OnceCell<Registry> = OnceCell::new();
        REGISTRY.get_or_try_init(|| {
            let registry = Registry::sorted(
                consent::linked_scopes().collect(),
                inventory::iter::<Linked>.into_iter().map(|linked| linked.0).collect(),
            )?;
            for (number, scope) in (1..).zip(&registry.scopes) {
                scope.set_index(number);
            }
            for (number, schema) in (1..).zip(&registry.schemas) {
                schema.set_index(number);
            }
            Ok(registry)
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
        Ok(Registry { scopes, schemas })
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

/// What the events of one scope tell of a library adds up, and events that choose items in different name spaces speak of
/// different ones: at most half a nat together, (outcomes - 1) / 2 / `one_in` each, of one name space. Events that say why
/// they count more are not judged again.
fn too_many_items(schemas: impl Iterator<Item = &'static Schema>) -> Option<(String, String)> {
    let chosen = schemas.filter_map(|schema| schema.item().filter(|it| it.reason.is_none()).map(|item| (schema, item)));
    let chosen: Vec<(&'static Schema, &Item)> = chosen.collect();
    let names = || chosen.iter().map(|(schema, _)| schema.name()).collect::<Vec<_>>().join(", ");
    let mut domains: Vec<&str> = chosen.iter().map(|(_, item)| item.domain).collect();
    domains.sort_unstable();
    domains.dedup();
    if let [first, second, ..] = domains.as_slice() {
        let why = format!(
            "choose them in the name spaces `{first}` and `{second}`, so that more are counted: give each item field the same `domain`"
        );
        return Some((names(), why));
    }
    // In thousandths of a nat.
    let told = |(schema, item): &(&'static Schema, &Item)| {
        schema.outcomes().saturating_sub(1).saturating_mul(500).div_ceil(item.one_in.max(1))
    };
    let sum: u64 = chosen.iter().map(told).fold(0, u64::saturating_add);
    (sum > 500).then(|| {
        (names(), "tell too much of them together: raise `one_in`, use coarser classes, or split the scope".into())
    })
}

/// Events whose codes can be matched with each other, where they have more outcomes together than one event may have:
/// the same scope and period, and a name space in common or others in between, so that a code ties their fields into one
/// long row.
fn linked_budget(schemas: &[&'static Schema]) -> Option<(&'static str, String, u128)> {
    let domains =
        |schema: &'static Schema| schema.fields().iter().map(|field| field.domain).filter(|it| !it.is_empty());
    let tied = |a: &'static Schema, b: &'static Schema| {
        a.scope() == b.scope()
            && a.linkage() == b.linkage()
            && domains(a).any(|domain| domains(b).any(|it| it == domain))
    };
    let mut left: Vec<&'static Schema> = schemas.iter().copied().filter(|it| it.linkage().carries_code()).collect();
    while let Some(first) = left.pop() {
        let (mut company, mut at) = (vec![first], 0);
        while let Some(&one) = company.get(at) {
            let (more, rest) = left.into_iter().partition(|other| tied(one, other));
            company.extend::<Vec<_>>(more);
            left = rest;
            at += 1;
        }
        let outcomes = company.iter().fold(1u128, |all, event| all.saturating_mul(u128::from(event.outcomes())));
        if company.len() > 1 && outcomes > u128::from(BUDGET) {
            let mut names: Vec<_> = company.iter().map(|event| event.name()).collect();
            names.sort_unstable();
            return Some((first.scope().name(), names.join(", "), outcomes));
        }
    }
    None
}

/// The first name that stands twice among sorted names.
fn twice(names: impl Iterator<Item = &'static str> + Clone) -> Option<&'static str> {
    names.clone().zip(names.skip(1)).find(|(a, b)| a == b).map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::twice;

    #[test]
    fn names_that_stand_twice() {
        assert_eq!(twice(["a", "b", "b", "c", "c"].into_iter()), Some("b"));
        assert_eq!(twice(["a", "b"].into_iter()), None);
        assert_eq!(twice([].into_iter()), None);
    }
}
