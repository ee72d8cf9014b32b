//! The manual's page about the ten programs, written from their declarations.

use crate::program::{Answer, Program};
use candor::Client;
use std::fmt::Write as _;

/// How many installations the last columns are about.
const INSTALLATIONS: f64 = 5_000.0;

/// Half of the 95 % interval of a share of one half, in points, if `installations` answer.
fn within(installations: f64) -> f64 {
    196.0 * (0.25 / installations).sqrt()
}

pub(crate) fn text(client: &Client, programs: &[&Program]) -> String {
    let manifest = client.manifest().unwrap();
    let mut text = String::from(HEAD);
    let all: Vec<&Answer> = programs.iter().flat_map(|program| program.questions).map(|(_, answer)| answer).collect();
    let whole = all.iter().filter(|answer| matches!(answer, Answer::By(_))).count();
    let part = all.iter().filter(|answer| matches!(answer, Answer::Partly(..))).count();
    let not = all.len() - whole - part;
    let share = whole * 100 / all.len();
    writeln!(
        text,
        "Of {} questions {whole} are answered ({share} %), {part} in part, and {not} can't be asked.\n",
        all.len()
    )
    .unwrap();
    text.push_str(SCOPES);
    for program in programs {
        for scope in program.scopes {
            let page = &manifest.scope(*scope).unwrap().budget;
            let each = INSTALLATIONS / f64::from(page.panels);
            writeln!(
                text,
                "| {} | `{}` | {} | {} | {:.1} | {:.0} | ±{:.1} |",
                program.name,
                scope.name(),
                page.outcomes,
                page.panels,
                page.alone_of_5000 * 100.0,
                each,
                within(each)
            )
            .unwrap();
        }
    }
    text.push_str(LIMITS);
    for program in programs {
        for (question, answer) in program.questions {
            let (what, why, because) = match answer {
                Answer::By(_) => continue,
                Answer::Partly(_, why, because) => ("in part", why, because),
                Answer::Not(why, because) => ("not", why, because),
            };
            writeln!(text, "| {} | {question} | {what} | {} | {because} |", program.name, why.words()).unwrap();
        }
    }
    text.push_str(QUESTIONS);
    for program in programs {
        writeln!(text, "\n## {}\n\n| question | answered by |\n|---|---|", program.name).unwrap();
        for (question, answer) in program.questions {
            let name = |(event, field): &(&str, &str)| {
                if field.is_empty() { format!("the number of `{event}`") } else { format!("`{event}`: `{field}`") }
            };
            let names: Vec<String> = answer.records().iter().map(name).collect();
            let names = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
            let rest = if matches!(answer, Answer::Partly(..)) { " (in part)" } else { "" };
            writeln!(text, "| {question} | {names}{rest} |").unwrap();
        }
    }
    text
}

const HEAD: &str = "\
# Ten real schemas

Ten public programs have telemetry that they wrote themselves. Here it is declared with candor: `tests/schemas/` has a module for
each program. What these programs send and what their maintainers ask was read in their sources and issues in November 2026. The
declarations are candor's own. The programs don't use candor.

This page is written from those declarations: `SCHEMAS=write cargo test --test schemas`.

";

const SCOPES: &str = "\
# What a scope says about one installation

*Outcomes* is how many different reports one installation can make about what stays the same about it, over all panels. An
installation answers one panel. *Alone* is the share that would be alone with its report among 5,000 installations, if all
reports were equally frequent. The last columns say how many of 5,000 installations answer one question, and how far a share of
one half can then be off (95 %). Counts of what happens in a day are not part of the panels: every installation tells those.
`homebrew.setting` tells one of 52 settings in a week, so each setting has some 96 answers of 5,000 a week.

| program | scope | outcomes | panels | alone, % | answers | points |
|---|---|---|---|---|---|---|
";

const LIMITS: &str = "
# What can't be asked

| program | question | answered | because of | why |
|---|---|---|---|---|
";

const QUESTIONS: &str = "
What the ten programs send today and these declarations do not:

| what | today | here |
|---|---|---|
| stable ids | a random id for years, or one that licences share | nothing; installations are counted by once-events |
| exact numbers | tracks, rows, memory to the byte | steps; sums over installations are right where the class is `count` |
| names | plug-ins, packages, players, whatever a person called them | words of a published list, and `other` |
| free text | platforms, schedules, panics, build strings | nothing |
| rows | all values of an installation beside each other | each value a record of its own, so no two settings can be crossed |

# The questions
";
