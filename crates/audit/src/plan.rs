//! Which fields are compared, and how coarse each is made first: the plans of the command line, checked against the names
//! in the input.

use crate::{
    args::Audit,
    classes::Class,
    error::{Error, Result},
    formula::Formula,
    input::{Rows, position},
    reach::Goal,
    scope::Scope,
    words,
};

/// The checked settings of the measurement.
#[derive(Debug, Clone)]
pub(crate) struct Spec {
    /// How many rows make a crowd.
    pub(crate) k: u64,
    /// Whether rows may have counts.
    pub(crate) counted: bool,
    /// The column that links rows.
    pub(crate) link: Option<usize>,
    /// The column whose values should differ within a class, and its generalization class.
    pub(crate) sensitive: Option<Field>,
    /// The plans; at least one.
    pub(crate) plans: Vec<Plan>,
    /// What --reach asks for.
    pub(crate) reach: Option<Goal>,
    /// How one field follows from others, for the group inversion.
    pub(crate) formula: Option<Formula>,
    fields: Vec<String>,
    /// Columns that are compared only if the command line names them.
    apart: Vec<usize>,
    classes: Vec<(String, Class)>,
    columns: Vec<String>,
}

/// One way to generalize.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Its name in the report.
    pub(crate) name: String,
    /// The fields it names. `None` for the plan that the other options define.
    named: Option<Vec<(String, Class)>>,
    /// Whether those of --fields are not added.
    alone: bool,
}

/// A field with its class.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    /// Its column in a row.
    pub(crate) column: usize,
    /// Its name.
    pub(crate) name: String,
    /// How coarse it is made.
    pub(crate) class: Class,
}

impl Spec {
    /// Checks the command line against the names in the input.
    pub(crate) fn read(audit: &Audit, rows: &Rows, scopes: &[Scope]) -> Result<Spec> {
        limits(audit)?;
        let columns = rows.columns().to_vec();
        let place = |option: &str, name: &String| position(&columns, option, name);
        let mut classes: Vec<(String, Class)> = Vec::new();
        for one in &audit.classes {
            let (name, class) = assignment("--as", one)?;
            place("--as", &name)?;
            if classes.iter().any(|(known, _)| *known == name) {
                return Err(Error::Usage(format!("--as names `{}` twice; give it one class", words::shown(&name))));
            }
            classes.push((name, class));
        }
        for name in &audit.fields {
            place("--fields", name)?;
        }
        let formula = audit.invert.as_deref().map(Formula::read).transpose()?;
        if let Some(formula) = &formula {
            for name in formula.fields.iter().chain([&formula.left]) {
                place("--invert", name)?;
                if !audit.group.is_empty() && !audit.group.contains(name) {
                    let name = words::shown(name);
                    return Err(Error::Usage(format!(
                        "--invert uses `{name}`, which --group does not name; add it there"
                    )));
                }
            }
        }
        for name in &audit.group {
            place("--group", name)?;
        }
        let mut plans = Vec::new();
        for one in &audit.plans {
            let plan = Plan::read(one)?;
            for (name, _) in plan.named.iter().flatten() {
                place("--plan", name)?;
            }
            plans.push(plan);
        }
        let of_scopes = panels(scopes, &columns, rows.format() == "otlp")?;
        let asked = !audit.fields.is_empty() || !audit.classes.is_empty();
        if plans.is_empty() && (of_scopes.is_empty() || asked) {
            plans.push(Plan { name: "as given".into(), named: None, alone: false });
        }
        plans.extend(of_scopes);
        let class_of = |name: &str| classes.iter().find(|(known, _)| known == name).map(|(_, class)| class.clone());
        let sensitive = audit.sensitive.as_ref().map(|name| {
            let class = class_of(name).unwrap_or(Class::Exact);
            Ok(Field { column: place("--sensitive", name)?, name: name.clone(), class })
        });
        let link = audit.link.as_ref().map(|name| place("--link", name)).transpose()?;
        let sensitive = sensitive.transpose()?;
        let apart = [&audit.link, &audit.sensitive, &audit.count, &audit.event_column];
        let apart = apart.into_iter().flatten().filter_map(|name| columns.iter().position(|known| known == name));
        let apart = apart.collect();
        let counted = audit.count.is_some() || rows.format() == "otlp";
        Ok(Spec {
            k: audit.k,
            reach: audit.reach.map(|rows| Goal { rows, rungs: audit.rungs }),
            counted,
            link,
            sensitive,
            plans,
            formula,
            fields: audit.fields.clone(),
            apart,
            classes,
            columns,
        })
    }

    /// The position of a column, if the input has one with this name.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|known| known == name)
    }

    /// The column of a scope's field.
    pub(crate) fn column_of(&self, event: &str, field: &str) -> Option<&String> {
        column_of(&self.columns, event, field)
    }

    /// The fields of a plan, for an event that has these columns.
    pub(crate) fn fields(&self, plan: &Plan, of_event: &[usize]) -> Vec<Field> {
        let column = |name: &String| self.columns.iter().position(|known| known == name);
        let mut columns: Vec<usize> = if plan.alone {
            Vec::new()
        } else if !self.fields.is_empty() {
            self.fields.iter().filter_map(column).collect()
        } else if plan.named.is_some() {
            Vec::new()
        } else {
            of_event.iter().copied().filter(|at| !self.apart.contains(at)).collect()
        };
        let named = plan.named.as_deref().unwrap_or_default();
        columns.extend(named.iter().filter_map(|(name, _)| column(name)));
        let mut fields: Vec<Field> = Vec::new();
        for column in columns.into_iter().filter(|at| of_event.contains(at)) {
            let Some(name) = self.columns.get(column) else { continue };
            let classes = named.iter().chain(&self.classes);
            let class = classes.into_iter().find(|(known, _)| known == name).map(|(_, class)| class.clone());
            let class = class.unwrap_or(Class::Exact);
            if !matches!(class, Class::Omit) && !fields.iter().any(|known| known.column == column) {
                fields.push(Field { column, name: name.clone(), class });
            }
        }
        fields
    }
}

impl Plan {
    /// Reads `[NAME |] FIELD=CLASS;…`.
    fn read(text: &str) -> Result<Plan> {
        let (name, list) = match text.split_once('|') {
            Some((name, list)) => (name.trim(), list),
            None => (text.trim(), text),
        };
        let mut named: Vec<(String, Class)> = Vec::new();
        for one in list.split(';').filter(|one| !one.trim().is_empty()) {
            let (field, class) = assignment("--plan", one.trim())?;
            if named.iter().any(|(known, _)| *known == field) {
                return Err(Error::Usage(format!(
                    "--plan '{}' names `{}` twice; give it one class",
                    words::shown(text),
                    words::shown(&field)
                )));
            }
            named.push((field, class));
        }
        if named.is_empty() {
            return Err(Error::Usage(
                "--plan is empty; write FIELD=CLASS, separated by `;`, such as 'length=step:5'".into(),
            ));
        }
        Ok(Plan { name: name.to_owned(), named: Some(named), alone: false })
    }
}

/// The name of the plan for one panel of a scope.
pub(crate) fn panel_name(scope: &str, at: usize, all: usize) -> String {
    if all > 1 { format!("{scope}, panel {} of {all}", at + 1) } else { scope.to_owned() }
}

/// The column that holds a field: it is called like the field, or like its event and the field.
fn column_of<'c>(columns: &'c [String], event: &str, field: &str) -> Option<&'c String> {
    let full = format!("{event}.{field}");
    columns.iter().find(|column| **column == full).or_else(|| columns.iter().find(|column| *column == field))
}

/// A plan for each panel of the scopes, with the fields that the input has. What was received is coarse already.
fn panels(scopes: &[Scope], columns: &[String], received: bool) -> Result<Vec<Plan>> {
    let mut plans = Vec::new();
    for scope in scopes {
        for (at, panel) in scope.panels.iter().enumerate() {
            let mut named: Vec<(String, Class)> = Vec::new();
            for (event, field, class) in &panel.fields {
                let column =
                    column_of(columns, event, field).filter(|name| !named.iter().any(|(known, _)| known == *name));
                let class = if received { Class::Exact } else { class.clone() };
                named.extend(column.map(|column| (column.clone(), class)));
            }
            if !named.is_empty() {
                let name = panel_name(&scope.name, at, scope.panels.len());
                plans.push(Plan { name, named: Some(named), alone: true });
            }
        }
    }
    let fields = || scopes.iter().flat_map(|scope| &scope.panels).flat_map(|panel| &panel.fields);
    if plans.is_empty() && fields().next().is_some() {
        return Err(Error::Usage(format!(
            "--scope: no column is called like a field of the scope. The fields are {}. There are {}.",
            words::listed(fields().map(|(_, field, _)| field.as_str())),
            words::listed(columns.iter().map(String::as_str))
        )));
    }
    Ok(plans)
}

/// Reads `FIELD=CLASS`. The name may contain an equals sign, the class can't.
fn assignment(option: &str, text: &str) -> Result<(String, Class)> {
    let (name, class) = text.rsplit_once('=').ok_or_else(|| {
        Error::Usage(format!("{option} has `{}` where FIELD=CLASS belongs, such as length=step:5", words::shown(text)))
    })?;
    Ok((name.trim().to_owned(), Class::read(class.trim())?))
}

fn limits(audit: &Audit) -> Result<()> {
    let wrong = |what: &str| Err(Error::Usage(what.to_owned()));
    if audit.budget == Some(0) {
        return wrong(
            "--budget 0 allows no outcome at all; give how many distinct outcomes an event may have, such as 1024",
        );
    }
    if audit.k < 2 || audit.k > 1_000_000 {
        return wrong("--k is how many rows make a crowd; give 2 to 1000000, such as 20");
    }
    if audit.reach.is_some_and(|k| !(2..=1_000_000).contains(&k)) {
        return wrong("--reach is how many rows make a crowd; give 2 to 1000000, such as 20");
    }
    if !(2..=32).contains(&audit.rungs) {
        return wrong("--rungs is how many steps a ladder may have; give 2 to 32, as many as candor takes");
    }
    if audit.memory == 0 || audit.memory > 1 << 20 {
        return wrong("--memory is in MiB; give 1 to 1048576, such as 256");
    }
    let limits = [
        ("--max-unique", audit.max_unique),
        ("--max-under-k", audit.max_under_k),
        ("--allow-left-out", Some(audit.allow_left_out)),
    ];
    for (name, limit) in limits {
        if limit.is_some_and(|limit| !(0.0..=100.0).contains(&limit)) {
            return wrong(&format!("{name} is a percentage; give 0 to 100"));
        }
    }
    Ok(())
}
