//! The table of operations that are interrupted: the ground each starts from, what it does, and which states are
//! allowed afterwards.

use super::{
    files,
    program::{LENDING, READING, an_evening, posted, say_yes, start, store},
};
use candor::{Client, consent::State};
use std::{error::Error, fs, path::Path, time::Duration};

/// The state of a store before the operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ground {
    /// The person was never asked.
    Nothing,
    /// The person refused.
    Refused,
    /// The person granted both scopes, and every kind of data exists: a secret, lines, counts, batches, a sent log.
    Full,
    /// The same, but the person withdrew.
    Withdrawn,
}

/// What is done to the scope of reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// A grant after the notice.
    Yes,
    No,
    Withdraw,
    DeleteSent,
    /// "Ask me later."
    Later,
    /// A field is switched off.
    Switch,
    /// Requests that the recipient deletes what was sent.
    Erase,
    /// The program starts, and finds pending maintenance.
    Start,
}

/// One row of the table.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) ground: Ground,
    pub(crate) act: Act,
    /// Days that passed since the ground was made.
    pub(crate) days: u64,
    /// What was already interrupted on this ground: an operation, and the files of the store that it had written.
    pub(crate) under_way: Option<(&'static str, &'static [&'static str])>,
    /// Whether the program was started once, on the later day, before the process that is killed.
    pub(crate) settled: bool,
    /// Whether an environment variable blocks in the process that is killed. Nothing blocks afterwards.
    pub(crate) blocked: bool,
    pub(crate) recipient: &'static str,
    pub(crate) before: State,
    pub(crate) after: State,
    /// Whether the pending data must be gone afterwards.
    pub(crate) waiting_goes: bool,
    /// Whether the secret behind codes must be gone afterwards.
    pub(crate) secret_goes: bool,
    /// Whether the sent log must be gone afterwards.
    pub(crate) sent_goes: bool,
    /// Whether erasure of everything that was sent is requested afterwards.
    pub(crate) erases: bool,
    /// Whether a third outcome is allowed: closed, with a reason. This holds where one open state replaces another, and
    /// the old one is no longer the person's latest decision.
    pub(crate) may_close: bool,
}

/// A withdrawal after a grant. The other rows list only their differences from it.
const WITHDRAWAL: Operation = Operation {
    name: "withdrawal",
    ground: Ground::Full,
    act: Act::Withdraw,
    days: 0,
    under_way: None,
    settled: true,
    blocked: false,
    recipient: "nowhere",
    before: State::Granted,
    after: State::Withdrawn,
    waiting_goes: true,
    secret_goes: true,
    sent_goes: false,
    erases: false,
    may_close: false,
};

/// An erasure request, which leaves the grant and the pending data unchanged.
const ERASURE: Operation =
    Operation { name: "erasure", act: Act::Erase, waiting_goes: false, secret_goes: false, ..WITHDRAWAL };

/// An answer where there was none.
const NO_YET: Operation =
    Operation { name: "an answer", ground: Ground::Nothing, before: State::NeverAsked, ..WITHDRAWAL };

/// A grant where there was no decision.
const FIRST_YES: Operation = Operation {
    name: "first yes",
    ground: Ground::Nothing,
    act: Act::Yes,
    before: State::NeverAsked,
    after: State::Granted,
    waiting_goes: false,
    secret_goes: false,
    ..WITHDRAWAL
};

/// Every operation that is interrupted. Anything else that writes to a store belongs here: add a row, and an [`Act`] if
/// it needs one.
pub(crate) const OPERATIONS: [Operation; 18] = [
    FIRST_YES,
    Operation { name: "yes after a no", ground: Ground::Refused, before: State::Denied, ..FIRST_YES },
    Operation { name: "yes after a withdrawal", ground: Ground::Withdrawn, before: State::Withdrawn, ..FIRST_YES },
    Operation {
        name: "yes after its last day",
        ground: Ground::Full,
        days: 40,
        before: State::Expired,
        waiting_goes: true,
        secret_goes: true,
        ..FIRST_YES
    },
    Operation {
        name: "yes to more",
        ground: Ground::Full,
        recipient: "elsewhere",
        before: State::Superseded,
        waiting_goes: true,
        secret_goes: true,
        may_close: true,
        ..FIRST_YES
    },
    Operation {
        name: "first no",
        ground: Ground::Nothing,
        act: Act::No,
        before: State::NeverAsked,
        after: State::Denied,
        ..WITHDRAWAL
    },
    Operation { name: "no after a yes", act: Act::No, ..WITHDRAWAL },
    WITHDRAWAL,
    Operation {
        name: "no after a withdrawal",
        ground: Ground::Withdrawn,
        act: Act::No,
        before: State::Withdrawn,
        after: State::Denied,
        ..WITHDRAWAL
    },
    Operation {
        name: "start past the last day",
        act: Act::Start,
        days: 40,
        settled: false,
        before: State::Expired,
        after: State::Expired,
        ..WITHDRAWAL
    },
    Operation {
        name: "start under a block",
        act: Act::Start,
        blocked: true,
        after: State::Granted,
        secret_goes: false,
        may_close: true,
        ..WITHDRAWAL
    },
    Operation {
        name: "start after half a withdrawal",
        act: Act::Start,
        under_way: Some(("withdrawal", &["consent"])),
        settled: false,
        before: State::Withdrawn,
        ..WITHDRAWAL
    },
    Operation {
        name: "start after half a yes",
        ground: Ground::Refused,
        act: Act::Start,
        under_way: Some(("yes after a no", &["reading.life", "ledger.jsonl"])),
        settled: false,
        before: State::Denied,
        after: State::Denied,
        ..WITHDRAWAL
    },
    Operation {
        name: "deleting the sent log",
        act: Act::DeleteSent,
        after: State::Granted,
        waiting_goes: false,
        secret_goes: false,
        sent_goes: true,
        ..WITHDRAWAL
    },
    Operation { name: "erasure while granted", after: State::Granted, erases: true, ..ERASURE },
    Operation {
        name: "erasure after a withdrawal",
        ground: Ground::Withdrawn,
        before: State::Withdrawn,
        after: State::Withdrawn,
        erases: true,
        ..ERASURE
    },
    Operation { name: "later", act: Act::Later, after: State::Deferred, ..NO_YET },
    Operation {
        name: "a switch",
        act: Act::Switch,
        after: State::Granted,
        waiting_goes: true,
        may_close: true,
        ..ERASURE
    },
];

pub(crate) fn named(name: &str) -> Result<&'static Operation, String> {
    OPERATIONS.iter().find(|operation| operation.name == name).ok_or_else(|| format!("no operation is called {name}"))
}

impl Operation {
    /// Whether it closes a scope that was open, or keeps one closed.
    pub(crate) fn closes(&self) -> bool {
        matches!(self.after, State::Denied | State::Deferred | State::Withdrawn | State::Expired)
    }

    /// Starts the program with the recipient and the day of this operation.
    pub(crate) fn start(&self, directory: &Path) -> Result<Client, Box<dyn Error>> {
        Ok(start(directory, self.recipient, self.days)?.0)
    }

    /// Makes the ground. The grants on it name the recipient `nowhere`; some operations then start with a different
    /// recipient.
    pub(crate) fn prepare(&self, directory: &Path) -> Result<(), Box<dyn Error>> {
        let (client, post) = start(directory, "nowhere", 0)?;
        match self.ground {
            Ground::Nothing => return Ok(()),
            Ground::Refused => {
                client.deny(READING)?;
                return Ok(());
            }
            Ground::Full | Ground::Withdrawn => {}
        }
        for scope in [READING, LENDING] {
            say_yes(&client, scope)?;
        }
        for _ in 0..2 {
            an_evening(&client);
            let flushed = client.flush(Duration::from_secs(60))?;
            if flushed.requests == 0 {
                return Err(format!("nothing was sent: {flushed:?}").into());
            }
        }
        post.takes(false);
        an_evening(&client);
        let flushed = client.flush(Duration::from_secs(60))?;
        if flushed.waiting == 0 {
            return Err(format!("no batch waits: {flushed:?}").into());
        }
        an_evening(&client);
        if self.ground == Ground::Withdrawn {
            client.withdraw(READING)?;
        }
        drop(client);
        Ok(fs::remove_file(posted(directory))?)
    }

    /// Applies what was interrupted before. Then starts the program once in the same conditions, unless that start is
    /// itself the operation.
    pub(crate) fn settle(&self, directory: &Path) -> Result<(), Box<dyn Error>> {
        if let Some((name, written)) = self.under_way {
            let scratch = tempfile::tempdir()?;
            let done = scratch.path().join("done");
            files::copy(directory, &done)?;
            named(name)?.finish(&done)?;
            for file in written {
                fs::copy(store(&done).join(file), store(directory).join(file))?;
            }
        }
        if self.settled {
            drop(self.start(directory)?);
        }
        Ok(())
    }

    /// Carries the operation out without an interruption.
    pub(crate) fn finish(&self, directory: &Path) -> Result<(), Box<dyn Error>> {
        let client = self.start(directory)?;
        self.carry_out(&client).map(drop)
    }

    /// Carries the operation out and returns its result. For [`Act::Start`] the program has already been started when
    /// this is called.
    pub(crate) fn carry_out(&self, client: &Client) -> Result<String, Box<dyn Error>> {
        let receipt = match self.act {
            Act::Yes => say_yes(client, READING)?,
            Act::No => client.deny(READING)?,
            Act::Withdraw => client.withdraw(READING)?,
            Act::DeleteSent => {
                client.delete_sent(READING)?;
                return Ok("deleted".into());
            }
            Act::Erase => {
                let status = client.erase(READING)?;
                let whole = !status.unfinished && !status.requests.is_empty();
                return if whole { Ok("asked".into()) } else { Err(format!("not asked for whole: {status:?}").into()) };
            }
            Act::Later => client.defer(READING)?,
            Act::Switch => client.switch_off(READING, "page.turned.pages")?,
            Act::Start => {
                // A separate thread does the pending maintenance, and reading the manifest waits for it.
                drop(client.manifest()?);
                return Ok("started".into());
            }
        };
        if !receipt.confirmed || !receipt.recorded {
            return Err(format!("nobody is in the way, and it is not confirmed or not recorded: {receipt}").into());
        }
        Ok(receipt.decision.name().into())
    }
}
