//! Group inversion: how exactly one field can be computed from others of its group after all of them were generalized.
//! Keeps distributions of errors, never a value.

use crate::{
    classes::{Class, Interval},
    error::{Error, Result},
    formula::Formula,
    input::Row,
    number,
    plan::{Field, Spec},
    quantiles::Quantiles,
    words::shown,
};

/// What the other fields reveal about the left field, compared with what it reveals itself.
#[derive(Debug)]
pub(crate) struct Inversion {
    formula: Formula,
    left: Option<usize>,
    own: Option<Class>,
    inputs: Vec<Option<Field>>,
    /// Fields of the formula that the plan does not send. If there are any, nothing can be computed.
    pub(crate) not_sent: Vec<String>,
    /// Rows that could be compared.
    pub(crate) rows: u64,
    /// Rows in which one of the fields is missing or not a number.
    pub(crate) skipped: u64,
    /// |value computed from the others − true value|.
    pub(crate) from_others: Quantiles,
    /// |middle of the field's own bucket − true value|.
    pub(crate) from_own: Quantiles,
    /// |middle of the interval that both allow − true value|.
    pub(crate) from_both: Quantiles,
    /// The width of the interval that the others allow.
    pub(crate) others_width: Quantiles,
    /// The width of the field's own bucket.
    pub(crate) own_width: Quantiles,
}

impl Inversion {
    /// Prepares the inversion for a plan with these fields.
    pub(crate) fn new(formula: &Formula, fields: &[Field], spec: &Spec, columns: &[usize]) -> Inversion {
        let sent = |name: &String| fields.iter().find(|field| field.name == *name).cloned();
        let inputs: Vec<Option<Field>> = formula.fields.iter().map(sent).collect();
        let not_sent = formula.fields.iter().zip(&inputs).filter(|(_, input)| input.is_none());
        Inversion {
            left: spec.column(&formula.left).filter(|column| columns.contains(column)),
            own: sent(&formula.left).map(|field| field.class),
            not_sent: not_sent.map(|(name, _)| name.clone()).collect(),
            inputs,
            formula: formula.clone(),
            rows: 0,
            skipped: 0,
            from_others: Quantiles::default(),
            from_own: Quantiles::default(),
            from_both: Quantiles::default(),
            others_width: Quantiles::default(),
            own_width: Quantiles::default(),
        }
    }

    /// The formula of the command line.
    pub(crate) fn formula(&self) -> &Formula {
        &self.formula
    }

    /// Compares one row.
    ///
    /// # Errors
    /// The numbers of the row are too large for the formula.
    pub(crate) fn row(&mut self, row: &Row) -> Result<()> {
        if !self.not_sent.is_empty() {
            return Ok(());
        }
        let Some((truth, own, cells)) = self.read(row) else {
            self.skipped += 1;
            return Ok(());
        };
        let allowed = self.formula.interval(&cells).ok_or_else(|| {
            Error::Input(format!(
                "--invert '{}' computes a number that is too large in line {}; divide by a constant, as in 'a=b/1000'",
                shown(self.formula.text()),
                row.line
            ))
        })?;
        self.compare(truth, own, &cells, allowed);
        self.rows += 1;
        Ok(())
    }

    /// The true value, the field's own bucket, and the buckets of the others. `None` if one is missing or not a number.
    fn read(&self, row: &Row) -> Option<(f64, Option<Interval>, Vec<Interval>)> {
        let truth = row.value(self.left?);
        let own = match &self.own {
            Some(class) => Some(class.interval(truth)?),
            None => None,
        };
        let truth = number::read(truth).ok().map(number::Amount::float).filter(|truth| truth.is_finite())?;
        let mut cells = Vec::with_capacity(self.inputs.len());
        for input in self.inputs.iter().flatten() {
            cells.push(input.class.interval(row.value(input.column))?);
        }
        Some((truth, own, cells))
    }

    fn compare(&mut self, truth: f64, own: Option<Interval>, cells: &[Interval], allowed: Interval) {
        let middles: Vec<f64> = cells.iter().map(|cell| cell.middle()).collect();
        let guess = self.formula.value(&middles);
        self.from_others.add(distance(guess, truth));
        self.others_width.add(if allowed.width().is_nan() { f64::INFINITY } else { allowed.width() });
        if let Some(own) = own {
            self.from_own.add(distance(own.middle(), truth));
            self.own_width.add(own.width());
            let both = Interval { low: own.low.max(allowed.low), high: own.high.min(allowed.high) };
            // If the two contradict each other, the data does not obey the formula. The guess is then the middle of its own
            // bucket.
            let guess = if both.low <= both.high { both.middle() } else { own.middle() };
            self.from_both.add(distance(guess, truth));
        }
    }
}

fn distance(guess: f64, truth: f64) -> f64 {
    let distance = (guess - truth).abs();
    if distance.is_nan() { f64::INFINITY } else { distance }
}
