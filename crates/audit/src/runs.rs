//! Runs of consecutive rows. Remembers the last few classes of each link value in bounded memory. The link values that come
//! first are followed immediately. The rows of all others are written to files in their order and followed later.

use crate::{
    code::{Code, Coder},
    error::Result,
    tally::{ByCode, Disk, Key, Parts, write_number},
};
use std::collections::VecDeque;

/// The run lengths that are measured.
pub(crate) const LENGTHS: [usize; 6] = [1, 2, 3, 5, 8, 12];
const LONGEST: usize = 12;

/// The last classes in each plan, newest first.
type Past = Vec<VecDeque<Code>>;

/// Callback for each run: event, plan, index into [`LENGTHS`], code of the run.
pub(crate) type Seen<'s> = dyn FnMut(usize, usize, usize, Code) -> Result<()> + 's;

/// Follows runs of rows with the same link value.
#[derive(Debug)]
pub(crate) struct Runs {
    past: ByCode<Key, Past>,
    most: usize,
    plans: usize,
    factors: Vec<Code>,
    disk: Disk,
    depth: u32,
    beyond: Option<Parts>,
}

impl Runs {
    /// Follows as many link values at the same time as fit into `bytes`.
    pub(crate) fn new(bytes: usize, plans: usize, coder: &mut Coder, disk: Disk) -> Runs {
        let one = plans * (LONGEST * size_of::<Code>() * 2 + 64) + 128;
        let factors = coder.factors(LONGEST);
        Runs { past: ByCode::default(), most: (bytes / one).max(16), plans, factors, disk, depth: 0, beyond: None }
    }

    /// Takes the next row of an event: the code of its link value, and its class in each plan.
    pub(crate) fn row(&mut self, event: usize, link: Code, classes: &[Code], seen: &mut Seen<'_>) -> Result<()> {
        let key = Key::new(u32::try_from(event).unwrap_or(u32::MAX), link);
        if !self.past.contains_key(&key) {
            if self.past.len() >= self.most {
                return self.later(event, link, classes);
            }
            let fresh = (0..self.plans).map(|_| VecDeque::with_capacity(LONGEST)).collect();
            self.past.insert(key, fresh);
        }
        let Some(past) = self.past.get_mut(&key) else { return Ok(()) };
        for (plan, (past, &class)) in past.iter_mut().zip(classes).enumerate() {
            past.truncate(LONGEST - 1);
            past.push_front(class);
            let mut code: Code = 0;
            for (back, (class, factor)) in past.iter().zip(&self.factors).enumerate() {
                code = code.wrapping_add(class.wrapping_mul(*factor));
                if let Some(length) = LENGTHS.iter().position(|length| *length == back + 1)
                    && length > 0
                {
                    seen(event, plan, length, code)?;
                }
            }
        }
        Ok(())
    }

    fn later(&mut self, event: usize, link: Code, classes: &[Code]) -> Result<()> {
        let parts = self.beyond.get_or_insert_with(|| Parts::new(self.disk.clone(), self.depth));
        let mut record = link.to_le_bytes().to_vec();
        write_number(&mut record, event as u64);
        classes.iter().for_each(|class| record.extend_from_slice(&class.to_le_bytes()));
        parts.write(link, &record)
    }

    /// Follows the rows that were deferred to files.
    pub(crate) fn finish(mut self, seen: &mut Seen<'_>) -> Result<()> {
        self.finish_into(seen)
    }

    fn finish_into(&mut self, seen: &mut Seen<'_>) -> Result<()> {
        let Some(parts) = self.beyond.take() else { return Ok(()) };
        let mut classes = vec![0; self.plans];
        for records in parts.readers() {
            let mut records = records?;
            self.past.clear();
            let mut part = Runs {
                past: std::mem::take(&mut self.past),
                most: self.most,
                plans: self.plans,
                factors: self.factors.clone(),
                disk: self.disk.clone(),
                depth: self.depth + 1,
                beyond: None,
            };
            while !records.at_end()? {
                let link = records.code()?;
                let event = usize::try_from(records.number()?).unwrap_or(usize::MAX);
                for class in &mut classes {
                    *class = records.code()?;
                }
                part.row(event, link, &classes, seen)?;
            }
            drop(records);
            part.finish_into(seen)?;
            self.past = std::mem::take(&mut part.past);
        }
        Ok(())
    }
}
