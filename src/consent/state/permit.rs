//! The proofs: [`Admission`] lets one event be kept, [`Permit`] lets one batch leave, [`ErasurePermit`] lets one request leave
//! that names records to be erased. Made in this file only.

use crate::consent::{
    agreement::scope::{MAX_SCOPES, Scope},
    erasure::request::{RequestStore, StoredRequest},
    records::ledger::Ledger,
};
use crate::{
    disk::{Handle, Look},
    mutants::{self, Mutant},
    sync::{AtomicBool, AtomicU64},
};
use std::{
    io,
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
};

/// What a gate holds while a look at the disk fails that the scope was open before: events are admitted and end in a counter,
/// since no grant has this epoch.
pub(crate) const UNKNOWN_EPOCH: u64 = u64::MAX;

/// The gates of one client: for each scope the epoch under which it records, or 0.
#[derive(Debug)]
pub(crate) struct Gates {
    epochs: [AtomicU64; MAX_SCOPES],
    /// Set when the client begins to shut down: nothing may leave any more.
    stopped: AtomicBool,
    /// Set when it has: nothing is recorded any more either, whoever decides what.
    closed: AtomicBool,
    /// Whether the scopes' own statics follow: true for the process-wide client.
    process_wide: bool,
}

impl Gates {
    pub(crate) fn new(process_wide: bool) -> Self {
        Gates {
            epochs: [const { AtomicU64::new(0) }; MAX_SCOPES],
            stopped: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            process_wide,
        }
    }

    pub(crate) fn set(&self, scope: Scope, epoch: u64) {
        if let Some(gate) = self.epochs.get(scope.index()).filter(|_| scope.index() != 0) {
            // A client that changes nothing leaves the statics alone: another one may be the process-wide one.
            if gate.swap(epoch, Ordering::SeqCst) != epoch && self.process_wide {
                scope.gate().store(epoch, Ordering::SeqCst);
            }
        }
    }

    pub(crate) fn epoch(&self, scope: Scope) -> u64 {
        self.epochs.get(scope.index()).map_or(0, |gate| gate.load(Ordering::Relaxed))
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    pub(crate) fn has_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
    }
}

/// Proof that an event of this scope may be kept, under this epoch. Good for one event.
#[derive(Debug)]
#[must_use]
pub(crate) struct Admission {
    epoch: u64,
}

impl Admission {
    /// Asks the process-wide gate: one relaxed load and a branch.
    #[inline(always)]
    pub(crate) fn process_wide(scope: Scope) -> Option<Self> {
        match scope.gate().load(Ordering::Relaxed) {
            0 => None,
            epoch => Some(Admission { epoch }),
        }
    }

    /// Asks a client's own gate.
    #[inline(always)]
    pub(crate) fn of(gates: &Gates, scope: Scope) -> Option<Self> {
        match gates.epoch(scope) {
            0 => None,
            epoch => Some(Admission { epoch }),
        }
    }

    #[inline]
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }
}

/// Proof that a batch of one scope and one epoch may leave, now. Good for one send.
///
/// It holds the scope's life lock, shared, over all processes: a withdrawal is confirmed only when every permit is
/// gone. It can't be made, copied or kept outside this crate:
///
/// ```compile_fail,E0603
/// use candor::consent::Permit;
/// ```
#[must_use]
pub(crate) struct Permit {
    watch: Watch,
    // Held for its lock, which ends with it.
    _life: Box<dyn Handle>,
}

impl Permit {
    /// Takes the life lock first and asks afterwards: whoever withdraws in between waits for this lock.
    ///
    /// # Errors
    /// The lock could not be had though nobody may have ended anything.
    pub(crate) fn issue(mut watch: Watch) -> io::Result<Option<Self>> {
        let path = watch.ledger.life_path(watch.scope.name());
        let files = watch.ledger.files();
        // A grant makes it; one that is missing was removed by someone, and whoever withdraws could not wait for another.
        let life = files.open_lock(&path)?;
        let locked = life.try_lock(true)?;
        let life = if mutants::on(Mutant::PermitUnlocked) { files.open_lock(&path)? } else { life };
        watch.life = files.stat(&path)?.map(|stat| stat.version);
        Ok((locked && watch.stands()).then_some(Permit { watch, _life: life }))
    }

    /// Whether the permit is for this scope, generation and epoch.
    pub(crate) fn covers(&self, scope: &str, generation: u64, epoch: u64) -> bool {
        self.watch.scope.name() == scope && self.watch.generation == generation && self.watch.epoch == epoch
    }

    pub(crate) fn watch(&self) -> &Watch {
        &self.watch
    }
}

impl std::fmt::Debug for Permit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Permit({}, epoch {})", self.watch.scope.name(), self.watch.epoch)
    }
}

/// An eye on one grant: says at any time whether it still stands. Lets nothing leave by itself.
#[derive(Clone)]
pub(crate) struct Watch {
    pub(crate) ledger: Ledger,
    pub(crate) gates: Arc<Gates>,
    pub(crate) scope: Scope,
    pub(crate) generation: u64,
    pub(crate) epoch: u64,
    /// Which file the life lock is on: one that was replaced is not the one a withdrawal would wait for.
    pub(crate) life: Option<(u64, u64, i64)>,
}

impl Watch {
    /// Whether the grant stands: the gate is open, the client runs, and the snapshot, read anew, says so.
    pub(crate) fn stands(&self) -> bool {
        !self.gates.stopped.load(Ordering::SeqCst)
            && self.gates.epoch(self.scope) == self.epoch
            && self.has_life()
            && self.ledger.snapshot_allows(self.scope.name(), self.generation, self.epoch)
    }
}

impl Watch {
    fn has_life(&self) -> bool {
        let path = self.ledger.life_path(self.scope.name());
        let stat = self.ledger.files().stat(&path).ok().flatten();
        self.life.is_some() && stat.map(|stat| stat.version) == self.life
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Watch({}, epoch {})", self.scope.name(), self.epoch)
    }
}

/// Proof that one request which names records to be erased may leave, now. Good for one send.
///
/// It is read from the person's durable wish and carries that wish: whoever holds it can ask for these records to be
/// erased and can say nothing else. It asks for no grant, since people ask for erasure after they withdrew; so it holds no
/// life lock, and no withdrawal waits for it. It can't be made, copied or kept outside this crate:
///
/// ```compile_fail,E0603
/// use candor::consent::Errand;
/// ```
#[must_use]
pub(crate) struct ErasurePermit {
    wish: StoredRequest,
    vigil: ErasureWatch,
}

impl ErasurePermit {
    /// Looks first and reads afterwards: a wish that changes in between no longer stands.
    pub(crate) fn issue(ledger: Ledger, gates: Arc<Gates>, scope: Scope, batch: &str) -> Option<Self> {
        ledger.is_there().ok()?;
        let path = RequestStore::new(ledger.files(), ledger.store()).path(scope.name(), batch);
        let version = ledger.files().stat(&path).ok()??.version;
        let Look::Read(Some(wish)) = RequestStore::new(ledger.files(), ledger.store()).read(scope.name(), batch) else {
            return None;
        };
        let vigil = ErasureWatch { ledger, gates, path, version };
        vigil.stands().then_some(ErasurePermit { wish, vigil })
    }

    /// What the person asked for.
    pub(crate) fn wish(&self) -> &StoredRequest {
        &self.wish
    }

    pub(crate) fn vigil(&self) -> &ErasureWatch {
        &self.vigil
    }
}

impl std::fmt::Debug for ErasurePermit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Errand({}, {} records)", self.wish.is.scope, self.wish.is.records)
    }
}

/// An eye on one wish: says at any time whether the person still asks for it. Lets nothing leave by itself.
#[derive(Clone)]
pub(crate) struct ErasureWatch {
    ledger: Ledger,
    gates: Arc<Gates>,
    path: PathBuf,
    version: (u64, u64, i64),
}

impl ErasureWatch {
    /// Whether the client runs, and the wish's document is the one that was read.
    pub(crate) fn stands(&self) -> bool {
        let stat = || self.ledger.files().stat(&self.path).ok().flatten();
        !self.gates.stopped.load(Ordering::SeqCst)
            && stat().is_some_and(|stat| stat.version == self.version)
            && self.ledger.is_there().is_ok()
    }
}

impl std::fmt::Debug for ErasureWatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Vigil({})", self.path.display())
    }
}
