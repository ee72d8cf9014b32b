//! The simulated receiver and the transport to it. It accepts or rejects what arrives, and counts records by their ids.

use super::{
    oracle::{self, Act},
    world::{self, SECOND, Sort, World},
};
use crate::{Answer, Parcel, SendError, Transport, tests::memory::Pid};
use std::{path::Path, sync::Arc, time::Duration};

pub(super) struct Server {
    pub(super) world: Arc<World>,
    pub(super) actor: usize,
    pub(super) pid: Pid,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answers {
    Accepts,
    TakesPlainly,
    TakesSome,
    TimesOutAfter,
    CutsBefore,
    Fails,
    IsBusy,
    IsBusyFor,
    Refuses,
    Rejects,
    IsNoReceiver,
    WantsLess,
}

const BAD: [Answers; 16] = [
    Answers::TakesPlainly,
    Answers::TakesSome,
    Answers::TimesOutAfter,
    Answers::TimesOutAfter,
    Answers::TimesOutAfter,
    Answers::CutsBefore,
    Answers::CutsBefore,
    Answers::CutsBefore,
    Answers::Fails,
    Answers::Fails,
    Answers::IsBusy,
    Answers::IsBusyFor,
    Answers::Refuses,
    Answers::Rejects,
    Answers::IsNoReceiver,
    Answers::WantsLess,
];

impl Server {
    fn seam(&self, what: &str) -> bool {
        let fate = self.world.at_seam(self.actor, self.pid, None::<Sort>, what, Path::new(""));
        matches!(fate, world::Fate::DiesAfter)
    }

    fn check(&self, wrong: Option<String>) {
        if let Some(wrong) = wrong {
            self.world.violated(wrong);
        }
    }
}

impl Transport for Server {
    fn send(&self, parcel: Parcel<'_>) -> Result<Answer, SendError> {
        let world = &self.world;
        let (scope, key) = (parcel.scope().to_owned(), parcel.idempotency_key().to_owned());
        if parcel.is_erasure() {
            let asked = world.oracle().decided.iter().any(|it| it.act == Act::Erase && it.scope == scope);
            self.check((!asked).then(|| format!("erasure of {scope} is asked for, and nobody did")));
            let dies = self.seam("send erasure");
            if dies {
                world.kill(self.actor, self.pid);
            }
            return Ok(Answer::Accepted { rejected: 0 });
        }
        let uids = oracle::uids(parcel.body());
        self.seam("send");
        let head = world.memory().everything().into_iter().find_map(|(path, bytes)| {
            let text = String::from_utf8_lossy(&bytes);
            let first = text.lines().next()?;
            (world::short(&path).starts_with("outbox/") && first.contains(&key)).then(|| first.to_owned())
        });
        if let Some(head) = head {
            let wrong = world.oracle().tried(&key, head);
            self.check(wrong);
        }
        for uid in &uids {
            world.oracle().arrived.entry(uid.clone()).or_default().tries += 1;
        }
        let bad = world.plan().bad_answers;
        let answer = if !world.is_calm() && world.random(10) < bad {
            BAD[world.random(BAD.len() as u64) as usize]
        } else {
            Answers::Accepts
        };
        world.note(self.actor, &format!("request {key} of {scope}, {} records: {answer:?}", uids.len()));
        for _ in 0..1 + world.random(2) {
            if !parcel.may_leave() {
                return Err(SendError::Stopped);
            }
            // A sender that has checked its permit may be delayed before the bytes are sent.
            if !world.is_calm() && world.random(2) == 0 {
                world.sleep(self.actor, world.random(2 * SECOND));
            }
            let dies = self.seam("slice");
            let wrong = world.oracle().handed_over(&scope, &uids, world.step());
            self.check(wrong);
            if dies {
                world.kill(self.actor, self.pid);
            }
        }
        let takes = matches!(answer, Answers::Accepts | Answers::TakesPlainly | Answers::TakesSome);
        if !takes && let Some((_, _, sound)) = world.oracle().accepted.get_mut(&key) {
            // The process that got the acceptance died before it was recorded. The next process gets another answer, and may give
            // up.
            *sound = false;
        }
        if answer == Answers::CutsBefore {
            return Err(SendError::Network("cut".into()));
        }
        {
            let mut oracle = world.oracle();
            for uid in &uids {
                let arrival = oracle.arrived.entry(uid.clone()).or_default();
                match answer {
                    Answers::Accepts | Answers::TakesPlainly | Answers::TimesOutAfter => arrival.taken = true,
                    Answers::TakesSome | Answers::Rejects => arrival.refused_for_good = true,
                    Answers::WantsLess if uids.len() == 1 => arrival.refused_for_good = true,
                    Answers::Fails => arrival.server_errors += 1,
                    // The request is not the cause of this answer, so the try is not counted.
                    Answers::Refuses => arrival.tries = arrival.tries.saturating_sub(1),
                    _ => {}
                }
            }
            if answer == Answers::Refuses {
                oracle.forget_try(&key);
            }
        }
        if self.seam("answer") {
            world.kill(self.actor, self.pid);
        }
        match answer {
            Answers::Accepts => {
                let step = world.step();
                world.oracle().accepted.insert(key, (scope, step, true));
                Ok(Answer::Accepted { rejected: 0 })
            }
            Answers::TakesPlainly => Ok(Answer::Taken { rejected: 0 }),
            Answers::TakesSome => Ok(Answer::Accepted { rejected: 1 }),
            Answers::TimesOutAfter => {
                world.sleep(self.actor, 30 * SECOND);
                Err(SendError::TimedOut("the answer"))
            }
            Answers::CutsBefore => Err(SendError::Network("cut".into())),
            Answers::Fails => Ok(Answer::ServerError { retry_after: None }),
            Answers::IsBusy => Ok(Answer::Busy { retry_after: None }),
            Answers::IsBusyFor => Ok(Answer::Busy { retry_after: Some(Duration::from_secs(600)) }),
            Answers::Refuses => Ok(Answer::Refused),
            Answers::Rejects => Ok(Answer::Rejected),
            Answers::IsNoReceiver => Ok(Answer::NotOtlp),
            Answers::WantsLess => Ok(Answer::TooLarge),
        }
    }
}
