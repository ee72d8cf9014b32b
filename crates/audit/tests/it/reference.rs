//! A second computation of the same figures: compares row against row, without codes, tables or files. It is slow on
//! purpose, and shares no code with the program.

/// How the reference generalizes a field.
#[derive(Debug, Clone)]
pub(crate) enum Coarse {
    Exact,
    Step(f64, Option<f64>),
    Ladder(Vec<f64>),
}

/// A table of texts: rows of columns.
pub(crate) type Texts = Vec<Vec<String>>;

/// The lower bound of a value's bucket as text. Empty if the value is not sent.
pub(crate) fn cell(coarse: &Coarse, text: &str) -> String {
    if matches!(coarse, Coarse::Exact) {
        return text.to_owned();
    }
    match number(text) {
        None => String::new(),
        Some(x) => match coarse {
            Coarse::Step(step, None) if x > 9_007_199_254_740_992.0 => format!("top of {step}"),
            Coarse::Step(_, Some(top)) if x >= *top => format!("{top}"),
            Coarse::Step(step, _) => format!("{}", (x / step).floor() * step),
            Coarse::Ladder(bounds) => {
                let low = bounds.iter().filter(|bound| **bound <= x).fold(f64::NAN, |_, bound| *bound);
                format!("{}", if low.is_nan() { bounds[0] } else { low })
            }
            Coarse::Exact => unreachable!(),
        },
    }
}

/// The half-open bounds of a value's bucket.
pub(crate) fn bounds(coarse: &Coarse, text: &str) -> Option<(f64, f64)> {
    let x = number(text)?;
    Some(match coarse {
        Coarse::Exact if x.is_infinite() => return None,
        Coarse::Exact => (x, x),
        Coarse::Step(_, None) if x > 9_007_199_254_740_992.0 => (9_007_199_254_740_992.0, f64::INFINITY),
        Coarse::Step(_, Some(top)) if x >= *top => (*top, f64::INFINITY),
        Coarse::Step(step, _) => ((x / step).floor() * step, ((x / step).floor() + 1.0) * step),
        Coarse::Ladder(rungs) => {
            let at = rungs.iter().rposition(|rung| *rung <= x).unwrap_or(0);
            (if at == 0 { 0.0 } else { rungs[at] }, rungs.get(at + 1).copied().unwrap_or(f64::INFINITY))
        }
    })
}

pub(crate) fn number(text: &str) -> Option<f64> {
    // Adding zero turns a negative zero into a positive one.
    text.trim().parse::<f64>().ok().filter(|x| *x >= 0.0).map(|x| x + 0.0)
}

/// For each row, the number of rows equal to it.
pub(crate) fn sizes(rows: &Texts) -> Vec<u64> {
    rows.iter().map(|row| rows.iter().filter(|other| *other == row).count() as u64).collect()
}

pub(crate) fn share_under(sizes: &[u64], k: u64) -> f64 {
    sizes.iter().filter(|size| **size < k).count() as f64 / sizes.len() as f64
}

pub(crate) fn classes(rows: &Texts) -> u64 {
    (0..rows.len()).filter(|at| !rows[..*at].contains(&rows[*at])).count() as u64
}

pub(crate) fn entropy(sizes: &[u64]) -> f64 {
    let total = sizes.len() as f64;
    // Each row contributes log2(total / size) bits.
    sizes.iter().map(|size| (total / *size as f64).log2()).sum::<f64>() / total
}

/// For each row, the sum of the weights of the rows equal to it.
pub(crate) fn weighted(rows: &Texts, weights: &[u64]) -> Vec<u64> {
    rows.iter()
        .map(|row| rows.iter().zip(weights).filter(|(other, _)| *other == row).map(|(_, weight)| weight).sum())
        .collect()
}

pub(crate) fn without(rows: &Texts, column: usize) -> Texts {
    let mut rows = rows.clone();
    rows.iter_mut().for_each(|row| _ = row.remove(column));
    rows
}

/// All runs of a length: consecutive rows with the same link value, in their order.
pub(crate) fn runs(rows: &Texts, links: &[String], length: usize) -> Vec<Texts> {
    let mut runs = Vec::new();
    for end in 0..rows.len() {
        if links[end].is_empty() && length > 1 {
            continue;
        }
        // Goes backwards from the row, over rows with the same link value.
        let mut run: Texts = Vec::new();
        for at in (0..=end).rev() {
            if links[at] == links[end] && run.len() < length {
                run.push(rows[at].clone());
            }
        }
        if run.len() == length {
            runs.push(run);
        }
    }
    runs
}

pub(crate) fn unique(runs: &[Texts]) -> u64 {
    runs.iter().filter(|run| runs.iter().filter(|other| other == run).count() == 1).count() as u64
}

/// For each row, the number of distinct values in its class.
pub(crate) fn spread(rows: &Texts, values: &[String]) -> Vec<u64> {
    rows.iter()
        .map(|row| {
            let mut seen: Vec<&String> = Vec::new();
            for (other, value) in rows.iter().zip(values) {
                if other == row && !seen.contains(&value) {
                    seen.push(value);
                }
            }
            seen.len() as u64
        })
        .collect()
}

/// The smallest value that at least this share of the values does not exceed.
pub(crate) fn quantile(values: &[f64], share: f64) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[((values.len() as f64 * share).ceil() as usize).max(1) - 1]
}
