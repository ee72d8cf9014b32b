//! A formula such as `duration=size*8/bitrate`: how one field follows from others, for the group inversion. Computes with
//! single values and with intervals. Does not know about rows.

use crate::{
    classes::Interval,
    error::{Error, Result},
    words::shown,
};

/// The deepest nesting of parentheses and signs.
const DEPTH_MOST: usize = 64;

/// A field, and the expression from which it follows.
#[derive(Debug, Clone)]
pub(crate) struct Formula {
    /// The field that is computed.
    pub(crate) left: String,
    /// The fields it is computed from, each once, in the order of first occurrence in the formula.
    pub(crate) fields: Vec<String>,
    right: Term,
    text: String,
}

#[derive(Debug, Clone)]
enum Term {
    Number(f64),
    /// Index into `fields`.
    Field(usize),
    Both(Operation, Box<(Term, Term)>),
}

#[derive(Debug, Clone, Copy)]
enum Operation {
    Plus,
    Minus,
    Times,
    Over,
}

impl Formula {
    /// Reads a formula: names, numbers, `+ - * /` and parentheses. Names with other characters are in backquotes.
    pub(crate) fn read(text: &str) -> Result<Formula> {
        let mut reader = Reader { rest: text, fields: Vec::new(), text };
        let left = reader.name()?.ok_or_else(|| reader.wrong("begins with no field"))?;
        reader.mark('=').then_some(()).ok_or_else(|| reader.wrong("has no `=` after its first field"))?;
        let right = reader.sum(0)?;
        if !reader.rest.trim_start().is_empty() {
            return Err(reader.wrong(&format!("can't be read from `{}` on", shown(reader.rest.trim_start()))));
        }
        if reader.fields.is_empty() || reader.fields.contains(&left) {
            return Err(reader.wrong("must work the left field out from others"));
        }
        Ok(Formula { left, fields: reader.fields, right, text: text.to_owned() })
    }

    /// The formula as it was given.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The result for these values of the fields.
    pub(crate) fn value(&self, values: &[f64]) -> f64 {
        self.right.value(values)
    }

    /// The interval of all results that values inside these intervals can give. `None` if a number in between is too large to
    /// compute with: then infinity would be subtracted from infinity, which is no number.
    pub(crate) fn interval(&self, values: &[Interval]) -> Option<Interval> {
        self.right.interval(values)
    }
}

impl Term {
    fn value(&self, values: &[f64]) -> f64 {
        match self {
            Term::Number(number) => *number,
            Term::Field(at) => values.get(*at).copied().unwrap_or(f64::NAN),
            Term::Both(operation, terms) => operation.on(terms.0.value(values), terms.1.value(values)),
        }
    }

    fn interval(&self, values: &[Interval]) -> Option<Interval> {
        const ALL: Interval = Interval { low: f64::NEG_INFINITY, high: f64::INFINITY };
        let interval = match self {
            Term::Number(number) => Interval { low: *number, high: *number },
            Term::Field(at) => values.get(*at).copied().unwrap_or(ALL),
            Term::Both(operation, terms) => {
                let (a, b) = (terms.0.interval(values)?, terms.1.interval(values)?);
                if matches!(operation, Operation::Over) && b.low < 0.0 && b.high > 0.0 {
                    return Some(ALL);
                }
                // A bucket that begins or ends at zero divides like the values just inside it.
                let b = match operation {
                    Operation::Over if b.low == 0.0 && b.high == 0.0 => return Some(ALL),
                    Operation::Over if b.low == 0.0 => Interval { low: f64::MIN_POSITIVE, ..b },
                    Operation::Over if b.high == 0.0 => Interval { high: -f64::MIN_POSITIVE, ..b },
                    _ => b,
                };
                let corners = [(a.low, b.low), (a.low, b.high), (a.high, b.low), (a.high, b.high)];
                let corners = corners.map(|(x, y)| operation.at_corner(x, y));
                // A corner at which infinity is subtracted from infinity is no number, and the other corners decide.
                let low = corners.iter().copied().fold(f64::INFINITY, f64::min);
                let high = corners.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                Interval { low, high }
            }
        };
        // An interval without any finite number comes from an overflow. No result can be computed from it.
        (interval.low < f64::INFINITY && interval.high > f64::NEG_INFINITY).then_some(interval)
    }
}

impl Operation {
    fn on(self, x: f64, y: f64) -> f64 {
        match self {
            Operation::Plus => x + y,
            Operation::Minus => x - y,
            Operation::Times => x * y,
            Operation::Over => x / y,
        }
    }

    /// Like [`Operation::on`], for the bounds of intervals. An unbounded end times zero is zero, and an unbounded end
    /// divided by an unbounded end is zero.
    fn at_corner(self, x: f64, y: f64) -> f64 {
        match self {
            Operation::Times if x == 0.0 || y == 0.0 => 0.0,
            Operation::Over if x == 0.0 => 0.0,
            Operation::Over if x.is_infinite() && y.is_infinite() => 0.0,
            _ => self.on(x, y),
        }
    }
}

struct Reader<'t> {
    rest: &'t str,
    fields: Vec<String>,
    text: &'t str,
}

impl Reader<'_> {
    fn wrong(&self, what: &str) -> Error {
        Error::Usage(format!(
            "--invert '{}' {what}. It should look like 'duration=size*8/bitrate'; put a name with other characters \
             than letters, digits, `_` and `.` in backquotes.",
            shown(self.text)
        ))
    }

    fn mark(&mut self, mark: char) -> bool {
        match self.rest.trim_start().strip_prefix(mark) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn name(&mut self) -> Result<Option<String>> {
        let rest = self.rest.trim_start();
        if let Some(quoted) = rest.strip_prefix('`') {
            let (name, rest) =
                quoted.split_once('`').ok_or_else(|| self.wrong("has a backquote that is not closed"))?;
            self.rest = rest;
            return Ok(Some(name.to_owned()));
        }
        if !rest.starts_with(|c: char| c.is_alphabetic() || c == '_') {
            return Ok(None);
        }
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.')).unwrap_or(rest.len());
        let (name, rest) = rest.split_at(end);
        self.rest = rest;
        Ok(Some(name.to_owned()))
    }

    fn sum(&mut self, depth: usize) -> Result<Term> {
        let mut term = self.product(depth)?;
        loop {
            let operation = if self.mark('+') {
                Operation::Plus
            } else if self.mark('-') {
                Operation::Minus
            } else {
                return Ok(term);
            };
            term = Term::Both(operation, Box::new((term, self.product(depth)?)));
        }
    }

    fn product(&mut self, depth: usize) -> Result<Term> {
        let mut term = self.atom(depth)?;
        loop {
            let operation = if self.mark('*') {
                Operation::Times
            } else if self.mark('/') {
                Operation::Over
            } else {
                return Ok(term);
            };
            term = Term::Both(operation, Box::new((term, self.atom(depth)?)));
        }
    }

    fn atom(&mut self, depth: usize) -> Result<Term> {
        if depth >= DEPTH_MOST || self.text.len() > 4_096 {
            return Err(self.wrong("is too long or too deep"));
        }
        if self.mark('(') {
            let term = self.sum(depth + 1)?;
            return self.mark(')').then_some(term).ok_or_else(|| self.wrong("has a parenthesis that is not closed"));
        }
        if self.mark('-') {
            let zero = Term::Number(0.0);
            return Ok(Term::Both(Operation::Minus, Box::new((zero, self.atom(depth + 1)?))));
        }
        if let Some(name) = self.name()? {
            let at = self.fields.iter().position(|field| *field == name).unwrap_or_else(|| {
                self.fields.push(name);
                self.fields.len() - 1
            });
            return Ok(Term::Field(at));
        }
        let rest = self.rest.trim_start();
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
        let (number, rest) = rest.split_at(end);
        let number: f64 = number.parse().map_err(|_| self.wrong("lacks a field or number after an operator or `=`"))?;
        self.rest = rest;
        if !f64::is_finite(number) {
            return Err(self.wrong("holds a number that is too large to compute with"));
        }
        Ok(Term::Number(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_is_computed_as_written() {
        let formula = Formula::read("a = (b + 2*`c d`) / b - -1").unwrap();
        assert_eq!((formula.left.as_str(), &formula.fields[..]), ("a", &["b".to_owned(), "c d".to_owned()][..]));
        assert_eq!(formula.value(&[4.0, 10.0]), 7.0);
    }

    #[test]
    fn an_interval_holds_every_value() {
        let formula = Formula::read("d=s*8/b").unwrap();
        let cell = |low, high| Interval { low, high };
        assert_eq!(formula.interval(&[cell(1.0, 2.0), cell(4.0, 8.0)]), Some(cell(1.0, 4.0)));
        assert_eq!(formula.interval(&[cell(0.0, 2.0), cell(4.0, f64::INFINITY)]), Some(cell(0.0, 4.0)));
        assert!(formula.interval(&[cell(1.0, 2.0), cell(0.0, 8.0)]).unwrap().high > 1e300);
    }

    #[test]
    fn a_number_that_is_too_large_is_told_and_infinity_minus_infinity_is_no_result() {
        let cell = |low, high| Interval { low, high };
        let large = format!("a=b*1{}", "0".repeat(400));
        assert!(Formula::read(&large).unwrap_err().to_string().contains("too large"));
        let overflows = Formula::read("a=b*b-b*b").unwrap();
        assert_eq!(overflows.interval(&[cell(1e200, 2e200)]), None);
        // The controls: numbers that fit, and a bucket without an upper bound.
        assert_eq!(overflows.interval(&[cell(1.0, 2.0)]), Some(cell(-3.0, 3.0)));
        let all = cell(f64::NEG_INFINITY, f64::INFINITY);
        assert_eq!(overflows.interval(&[cell(1.0, f64::INFINITY)]), Some(all));
    }

    #[test]
    fn a_formula_that_makes_no_sense_says_so() {
        for (text, fix) in [
            ("", "begins with no field"),
            ("a", "no `=`"),
            ("a=", "lacks a field"),
            ("a=a*2", "from others"),
            ("a=2", "from others"),
            ("a=(b", "not closed"),
            ("a=b)", "can't be read"),
            ("a=`b", "not closed"),
            (&format!("a={}b", "(".repeat(1000)), "too deep"),
            (&format!("a={}b", "-".repeat(1000)), "too deep"),
        ] {
            let said = Formula::read(text).unwrap_err().to_string();
            assert!(said.contains(fix), "{text}: {said}");
        }
    }
}
