//! The attacker who follows an installation across a change of address, for events that have nothing to do with content:
//! snapshots of settings, events that are told once a period, and counts of what is used. It gets what came from each
//! address in three months, and what came from other addresses in the month after, and says who is who.
//!
//! The installations are made up, 2,000 at a time. They differ in their settings, which change seldom, in how many days
//! they are used, and in which features are used and how often. The attacker knows how common everything is. It is
//! measured with the settings alone, with the activity alone, and with both.

use super::{
    attacker::{in_parts, place},
    films::normal,
    people,
    report::Hits,
    rule::Rule,
};

/// How a program asks.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) words: &'static str,
    /// The most outcomes of all settings that one installation tells. `None`: it tells all settings.
    pub(crate) budget: Option<f64>,
    /// Whether the budget is shared by all panels, so that one of `n` has `1/n` of it.
    pub(crate) together: bool,
    /// How many days are counted together.
    pub(crate) period: usize,
    /// How many features are counted.
    pub(crate) features: usize,
    /// Whether the number of days on which the program is used can be seen, by an event that is told once a day.
    pub(crate) days: bool,
}

/// The number of values of each setting: switches, choices and sizes.
fn settings() -> Vec<usize> {
    let mut values = vec![2; 30];
    values.extend([3, 3, 4, 4, 5, 5, 6, 6, 8, 8, 12, 12, 12, 16, 16]);
    values
}

/// The share of installations that change a setting in a month.
const CHANGED: f64 = 0.01;

/// One installation: its settings then and later, and its panel.
struct Installation {
    panel: usize,
    before: Vec<u8>,
    after: Vec<u8>,
    /// For each feature: the total told in three months and in the month after.
    used: Vec<(u32, u32)>,
    /// On how many days it was used.
    days: (u32, u32),
}

/// Settings in panels: fields are added to a panel as long as its outcomes stay within the budget.
fn panels(asked: &Asked) -> Vec<Vec<usize>> {
    let values = settings();
    let Some(most) = asked.budget else { return vec![(0..values.len()).collect()] };
    let filled = |most: f64| {
        let mut panels: Vec<(f64, Vec<usize>)> = Vec::new();
        for (field, values) in values.iter().enumerate().rev() {
            let fits = panels.iter_mut().find(|(outcomes, _)| outcomes * *values as f64 <= most);
            match fits {
                Some((outcomes, fields)) => {
                    *outcomes *= *values as f64;
                    fields.push(field);
                }
                None => panels.push((*values as f64, vec![field])),
            }
        }
        panels
    };
    let mut of_one = most;
    // The outcomes of all panels together are within the budget.
    while asked.together && filled(of_one).iter().map(|(outcomes, _)| outcomes).sum::<f64>() > most {
        of_one *= 0.9;
    }
    filled(of_one).into_iter().map(|(_, fields)| fields).collect()
}

/// How common each value of each setting is: the first is the default, which most keep.
fn common() -> Vec<Vec<f64>> {
    let mut random = people::random(0x5e77, 1);
    let of = |values: usize| {
        let kept = 0.5 + 0.48 * random.f64();
        let others: Vec<f64> = (1..values).map(|at| 1.0 / at as f64).collect();
        let sum: f64 = others.iter().sum();
        [kept].into_iter().chain(others.into_iter().map(|other| (1.0 - kept) * other / sum)).collect()
    };
    settings().into_iter().map(of).collect()
}

fn poisson(mean: f64, random: &mut fastrand::Rng) -> u64 {
    let (mut count, mut product, end) = (0, random.f64(), (-mean.min(500.0)).exp());
    while product > end {
        product *= random.f64();
        count += 1;
    }
    count
}

/// How much a feature is used on a day of use, by those who use it: the mean of the logarithm, and its deviation.
const USED: (f64, f64) = (0.5, 1.2);

fn installations(number: usize, asked: &Asked, panels: usize, seed: u64) -> Vec<Installation> {
    let (common, rule) = (common(), Rule::closing(asked.period, 1));
    let one = |person: u64| {
        let mut random = people::random(seed, person);
        let drawn = |chances: &Vec<f64>, random: &mut fastrand::Rng| {
            let mut at = random.f64();
            let found = chances.iter().position(|chance| {
                at -= chance;
                at < 0.0
            });
            found.unwrap_or(0) as u8
        };
        let before: Vec<u8> = common.iter().map(|chances| drawn(chances, &mut random)).collect();
        let after = before
            .iter()
            .zip(&common)
            .map(|(value, chances)| if random.f64() < CHANGED { drawn(chances, &mut random) } else { *value });
        let after = after.collect();
        // How often it is used: some every day, some once a week.
        let often = random.f64().powf(0.7);
        let open: Vec<bool> = (0..120).map(|_| random.f64() < often).collect();
        let on = |days: &[bool]| days.iter().filter(|open| **open).count() as u32;
        let mut used = Vec::new();
        for feature in 0..asked.features {
            let share = 0.9 / (1.0 + feature as f64 / 4.0);
            let uses = random.f64() < share;
            let rate = if uses { (USED.0 + USED.1 * normal(&mut random)).exp() } else { 0.0 };
            let (mut early, mut late) = (0, 0);
            for (period, days) in open.chunks(asked.period).enumerate() {
                let count: u64 = days.iter().filter(|open| **open).map(|_| poisson(rate, &mut random)).sum();
                let told = rule.counts[usize::from(rule.step(count, &mut random))] as u32;
                if (period + 1) * asked.period <= 90 { early += told } else { late += told }
            }
            used.push((early, late));
        }
        Installation { panel: random.usize(0..panels), before, after, used, days: (on(&open[..90]), on(&open[90..])) }
    };
    (0..number as u64).map(one).collect()
}

/// What the attacker compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Settings,
    Activity,
    Both,
}

/// Probabilities of one feature's totals at some rates a day, the first of which is 0.
struct Rates {
    rates: Vec<f64>,
    chances: Vec<f64>,
}

impl Rates {
    fn of(feature: usize) -> Self {
        let share = 0.9 / (1.0 + feature as f64 / 4.0);
        let (mut rates, mut chances) = (vec![1e-6], vec![1.0 - share]);
        // Rates a day, with the share of days on which the program is used mixed in.
        for at in 0..39 {
            let log = -5.0 + f64::from(at) * 0.22;
            rates.push(log.exp());
            let away = (log - (USED.0 - 0.6)) / (USED.1 + 0.3);
            chances.push(share * (-away * away / 2.0).exp());
        }
        let sum: f64 = chances[1..].iter().sum();
        chances[1..].iter_mut().for_each(|chance| *chance *= share / sum);
        Rates { rates, chances }
    }

    /// The log-likelihood of a total in so many days, for each rate. The total is spread more widely than a Poisson
    /// count, since days of use vary and steps are rounded: as if by a third of its square root more.
    fn logs(&self, total: u32, days: f64) -> Vec<f64> {
        let wider = 1.8;
        let of = |rate: &f64| {
            let mean = (rate * days / wider).max(1e-9);
            let total = f64::from(total) / wider;
            total * mean.ln() - mean - gamma(total + 1.0)
        };
        self.rates.iter().map(of).collect()
    }
}

/// The logarithm of the gamma function, by Stirling's series.
fn gamma(x: f64) -> f64 {
    if x < 8.0 {
        return gamma(x + 1.0) - x.ln();
    }
    (x - 0.5) * x.ln() - x + 0.918_938_533_204_672_7 + 1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3))
}

/// How often the first guess is right.
pub(crate) fn attack(asked: &Asked, by: By, worlds: usize, among: usize, seed: u64) -> Hits {
    let (panels, common) = (panels(asked), common());
    let mut hits = Hits::of(among);
    for world in 0..worlds {
        let all = installations(among, asked, panels.len(), seed.wrapping_add(world as u64 * 104_729));
        let features: Vec<Rates> = (0..asked.features).map(Rates::of).collect();
        let usual: Vec<Vec<f64>> = features.iter().map(|rates| rates.chances.clone()).collect();
        // By feature and installation: the likelihood of what was told for each rate, as a share of all.
        let likely = |total: fn(&(u32, u32)) -> u32, days: f64| -> Vec<Vec<Vec<f32>>> {
            let of_feature = |feature: usize| {
                let of = |one: &Installation| {
                    let logs = features[feature].logs(total(&one.used[feature]), days);
                    let whole = super::odds::mixed(&usual[feature], &logs);
                    logs.into_iter().map(|log| (log - whole).exp() as f32).collect()
                };
                all.iter().map(of).collect()
            };
            (0..asked.features).map(of_feature).collect()
        };
        let (early, late) = (likely(|used| used.0, 90.0), likely(|used| used.1, 30.0));
        let mixed: Vec<Vec<f32>> = usual.iter().map(|of| of.iter().map(|chance| *chance as f32).collect()).collect();
        let ranks = in_parts(among, |from, to| {
            let mut random = people::random(seed, 1 << 50 | from as u64);
            let rank = |number: usize| {
                let own = &all[number];
                // What was told later, with how common each rate is.
                let later: Vec<Vec<f32>> = late
                    .iter()
                    .zip(&mixed)
                    .map(|(late, common)| late[number].iter().zip(common).map(|(late, common)| late * common).collect())
                    .collect();
                let score = |other: usize| {
                    let then = &all[other];
                    let mut score = 0.0;
                    if by != By::Activity {
                        if then.panel != own.panel {
                            return f32::NEG_INFINITY;
                        }
                        for field in &panels[own.panel] {
                            let common = common[*field][usize::from(own.after[*field])];
                            let same = f64::from(u8::from(own.after[*field] == then.before[*field]));
                            score += (((1.0 - CHANGED) * same + CHANGED * common) / common).ln() as f32;
                        }
                    }
                    if by != By::Settings {
                        for feature in 0..asked.features {
                            let both = dot(&early[feature][other], &later[feature]);
                            score += both.max(1e-30).ln();
                        }
                        if asked.days {
                            score += on_days(then.days.0, own.days.1);
                        }
                    }
                    score
                };
                let scores: Vec<f32> = (0..among).map(score).collect();
                place(scores.iter().copied(), scores[number], &mut random)
            };
            (from..to).map(rank).collect()
        });
        hits.add(&ranks);
    }
    hits
}

/// The sum of products. There are 40 rates, and eight sums at once are quicker than one.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0; 8];
    for (a, b) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().sum()
}

/// How much likelier so many days of use in 30 are after so many in 90, than by themselves.
fn on_days(early: u32, late: u32) -> f32 {
    let of = |often: f64| {
        let log = |on: u32, days: f64| f64::from(on) * often.ln() + (days - f64::from(on)) * (1.0 - often).ln();
        (log(early, 90.0), log(late, 30.0))
    };
    let shares: Vec<f64> = (1..40).map(|at| (f64::from(at) / 40.0).powf(0.7)).collect();
    let (mut both, mut a, mut b) = (0.0, 0.0, 0.0);
    for (early, late) in shares.iter().map(|share| of(*share)) {
        both += (early + late).exp();
        a += early.exp();
        b += late.exp();
    }
    (both * shares.len() as f64 / (a * b)).ln() as f32
}

/// How programs may ask.
pub(crate) fn asked() -> Vec<Asked> {
    let asked = Asked {
        words: "panels of 1,024 together, daily, 12 features",
        budget: Some(1_024.0),
        together: true,
        period: 1,
        features: 12,
        days: true,
    };
    vec![
        Asked { words: "all 45 settings, daily, 40 features", budget: None, features: 40, ..asked.clone() },
        Asked { words: "panels of 1,024 each, daily, 12 features", together: false, ..asked.clone() },
        asked.clone(),
        Asked { words: "the same, monthly", period: 30, days: false, ..asked.clone() },
        Asked { words: "the same, monthly, 4 features", period: 30, days: false, features: 4, ..asked.clone() },
        Asked { words: "the same, daily, 4 features", features: 4, ..asked },
    ]
}

/// All of it as a table.
pub(crate) fn table(worlds: usize, seed: u64, mut show: impl FnMut(&str)) -> String {
    let mut out = "asked\tsettings\tactivity\tboth\n".to_owned();
    for asked in asked() {
        let of = |by| {
            let [share, low, high] = attack(&asked, by, worlds, 2_000, seed).first();
            format!("{:.2} % [{:.2}, {:.2}]", share * 100.0, low * 100.0, high * 100.0)
        };
        let row = format!("{}\t{}\t{}\t{}\n", asked.words, of(By::Settings), of(By::Activity), of(By::Both));
        show(&row);
        out.push_str(&row);
    }
    out
}
