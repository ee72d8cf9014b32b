//! Proofs of permission: an [`Admission`] lets one event be stored, a [`Permit`] lets one batch be sent, an [`ErasurePermit`]
//! lets one request be sent that names records to be erased. Only this file can make them; it sends nothing itself.

use crate::consent::{
    agreement::scope::{MAX_SCOPES, Scope},
    records::erasure_request::{RequestStore, StoredRequest},
    records::ledger::Ledger,
};
use crate::{
    disk::{Handle, Look, Version},
    mutants::{self, Mutant},
    sync::{AtomicBool, AtomicU64, Mutex},
};
use std::{io, path::PathBuf, sync::Arc, sync::atomic::Ordering};

/// The value of a gate while it is not known which grant applies to a scope that was open, for example while the records can't be
/// read. Events are admitted, but are only counted as lost, because no grant has this epoch.
pub(crate) const UNKNOWN_EPOCH: u64 = u64::MAX;

/// The gates of one client: for each scope the epoch under which it records, or 0 if it is closed.
#[derive(Debug)]
pub(crate) struct Gates {
    epochs: [AtomicU64; MAX_SCOPES],
    /// The scopes that this process keeps closed whatever the records say, and the value of each one's gate: 0, or
    /// [`UNKNOWN_EPOCH`] for a grant that stays. A gate is set only under this lock. No file is read under it, so a gate closes at
    /// once even while another thread reads the records.
    kept_closed: Mutex<Vec<(Scope, u64)>>,
    /// Set when the client begins to shut down: nothing may be sent any more.
    stopped: AtomicBool,
    /// Set when the client has shut down: nothing is recorded any more either, whatever is decided afterwards.
    closed: AtomicBool,
    /// Whether changes are copied to the scopes' own statics: true for the process-wide client.
    process_wide: bool,
}

impl Gates {
    pub(in crate::consent) fn new(process_wide: bool) -> Self {
        Gates {
            epochs: [const { AtomicU64::new(0) }; MAX_SCOPES],
            kept_closed: Mutex::default(),
            stopped: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            process_wide,
        }
    }

    /// Closes a gate. It stays closed, whatever the records say, until [`follow_records`](Gates::follow_records) is called.
    pub(in crate::consent) fn keep_closed(&self, scope: Scope) {
        self.keep_at(scope, || 0);
    }

    /// The same for a grant that stays: if the gate was open, events are admitted and counted meanwhile.
    pub(in crate::consent) fn keep_paused(&self, scope: Scope) {
        self.keep_at(scope, || if self.epoch(scope) == 0 { 0 } else { UNKNOWN_EPOCH });
    }

    /// `epoch` says under the lock what the gate becomes.
    fn keep_at(&self, scope: Scope, epoch: impl Fn() -> u64) {
        let mut kept_closed = self.kept_closed.lock();
        let epoch = epoch();
        if kept_closed.contains(&(scope, epoch)) {
            return;
        }
        kept_closed.retain(|&(kept, _)| kept != scope);
        kept_closed.push((scope, epoch));
        self.set(scope, epoch);
    }

    /// Lets the records decide again about a gate that was kept closed. Does not change the gate: the next look does.
    pub(in crate::consent) fn follow_records(&self, scope: Scope) {
        self.kept_closed.lock().retain(|&(kept, _)| kept != scope);
    }

    /// Whether this process keeps a gate closed, whatever the records say.
    pub(in crate::consent) fn is_kept_closed(&self, scope: Scope) -> bool {
        self.kept_closed.lock().iter().any(|&(kept, _)| kept == scope)
    }

    /// Sets a gate as a look at the records found it, unless it is kept closed.
    pub(in crate::consent) fn open(&self, scope: Scope, epoch: u64) {
        let kept_closed = self.kept_closed.lock();
        self.set(scope, kept_at(&kept_closed, scope).unwrap_or(epoch));
    }

    /// Closes a gate that is to have another value, until [`open`](Gates::open) sets it.
    pub(in crate::consent) fn close_if_other(&self, scope: Scope, epoch: u64) {
        let kept_closed = self.kept_closed.lock();
        if self.epoch(scope) != kept_at(&kept_closed, scope).unwrap_or(epoch) {
            self.set(scope, 0);
        }
    }

    /// Called with `kept_closed` locked: a scope's own static and this gate are not set at one moment.
    fn set(&self, scope: Scope, epoch: u64) {
        if let Some(gate) = self.epochs.get(scope.index()).filter(|_| scope.index() != 0) {
            // Only a change is copied to the static: another client may be the process-wide one.
            if gate.swap(epoch, Ordering::SeqCst) != epoch && self.process_wide {
                scope.gate().store(epoch, Ordering::SeqCst);
            }
        }
    }

    pub(crate) fn epoch(&self, scope: Scope) -> u64 {
        self.epochs.get(scope.index()).map_or(0, |gate| gate.load(Ordering::Relaxed))
    }

    pub(in crate::consent) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    pub(in crate::consent) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    pub(in crate::consent) fn has_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    pub(in crate::consent) fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
    }
}

/// The value of a gate that is kept closed.
fn kept_at(kept_closed: &[(Scope, u64)], scope: Scope) -> Option<u64> {
    kept_closed.iter().find(|&&(kept, _)| kept == scope).map(|&(_, epoch)| epoch)
}

/// Proof that one event of this scope may be stored, under this epoch.
#[derive(Debug)]
#[must_use]
pub(crate) struct Admission {
    epoch: u64,
}

impl Admission {
    /// Checks the process-wide gate: one relaxed load and a branch.
    #[inline(always)]
    pub(crate) fn process_wide(scope: Scope) -> Option<Self> {
        match scope.gate().load(Ordering::Relaxed) {
            0 => None,
            epoch => Some(Admission { epoch }),
        }
    }

    /// Checks a client's own gate.
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

/// Proof that one batch of one scope and one epoch may be sent, now. Valid for one send.
///
/// It holds the scope's life lock, shared, across all processes: a withdrawal is confirmed only when no permit is left. It can't
/// be made, copied or kept outside this crate:
///
/// ```compile_fail,E0603
/// use candor::consent::Permit;
/// ```
#[must_use]
pub(crate) struct Permit {
    watch: Watch,
    // Held for its lock, which is released when the permit is dropped.
    _life: Box<dyn Handle>,
}

impl Permit {
    /// Takes the life lock first and checks the grant afterwards: a withdrawal that happens in between waits for this lock.
    /// Returns `None` if the lock is held exclusively or the grant is not in force.
    ///
    /// # Errors
    /// The lock could not be taken, although the grant may still be in force.
    pub(in crate::consent) fn issue(mut watch: Watch) -> io::Result<Option<Self>> {
        let path = watch.ledger.life_path(watch.scope.name());
        let files = watch.ledger.files();
        // A grant creates this file. If it is missing, someone removed it. A new file is not created: a withdrawal could not wait
        // for its lock.
        let life = files.open_lock(&path)?;
        let locked = life.try_lock(true)?;
        let life = if mutants::on(Mutant::PermitUnlocked) { files.open_lock(&path)? } else { life };
        watch.life = files.stat(&path)?.map(|stat| stat.version);
        Ok((locked && watch.is_authorized()).then_some(Permit { watch, _life: life }))
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

/// Checks at any time whether one grant is still in force. Does not permit sending by itself.
#[derive(Clone)]
pub(crate) struct Watch {
    pub(in crate::consent) ledger: Ledger,
    pub(in crate::consent) gates: Arc<Gates>,
    pub(crate) scope: Scope,
    pub(in crate::consent) generation: u64,
    pub(crate) epoch: u64,
    /// The identity of the life lock's file. If the file is replaced, a withdrawal would wait for a different one.
    pub(in crate::consent) life: Option<Version>,
}

impl Watch {
    /// Whether the grant is in force: the client is not shutting down, the gate is open, the life lock's file is the same, and
    /// the snapshot, read again, allows it.
    pub(crate) fn is_authorized(&self) -> bool {
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

/// Proof that one request which names records to be erased may be sent, now. Valid for one send.
///
/// It is read from the person's stored erasure request and carries that request: its holder can ask for the erasure of these
/// records and can send nothing else. It needs no grant, because people ask for erasure after they withdrew. Therefore it holds
/// no life lock, and no withdrawal waits for it. It can't be made, copied or kept outside this crate:
///
/// ```compile_fail,E0603
/// use candor::consent::ErasurePermit;
/// ```
#[must_use]
pub(crate) struct ErasurePermit {
    request: StoredRequest,
    watch: ErasureWatch,
}

impl ErasurePermit {
    /// Takes the file's version first and reads the file afterwards, so that a request that changes in between is no longer
    /// valid. Returns `None` if the request can't be read or is no longer valid.
    pub(in crate::consent) fn issue(ledger: Ledger, gates: Arc<Gates>, scope: Scope, batch: &str) -> Option<Self> {
        ledger.is_there().ok()?;
        let path = RequestStore::new(ledger.files(), ledger.store()).path(scope.name(), batch);
        let version = ledger.files().stat(&path).ok()??.version;
        let Look::Read(Some(request)) = RequestStore::new(ledger.files(), ledger.store()).read(scope.name(), batch)
        else {
            return None;
        };
        let watch = ErasureWatch { ledger, gates, path, version };
        watch.is_authorized().then_some(ErasurePermit { request, watch })
    }

    /// What the person asked for.
    pub(crate) fn request(&self) -> &StoredRequest {
        &self.request
    }

    pub(crate) fn watch(&self) -> &ErasureWatch {
        &self.watch
    }
}

impl std::fmt::Debug for ErasurePermit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ErasurePermit({}, {} records)", self.request.is.scope, self.request.is.records)
    }
}

/// Checks at any time whether one erasure request is still in place. Does not permit sending by itself.
#[derive(Clone)]
pub(crate) struct ErasureWatch {
    ledger: Ledger,
    gates: Arc<Gates>,
    path: PathBuf,
    version: Version,
}

impl ErasureWatch {
    /// Whether the client is not shutting down and the request's file is the one that was read, in the store that this process
    /// opened.
    pub(crate) fn is_authorized(&self) -> bool {
        let stat = || self.ledger.files().stat(&self.path).ok().flatten();
        !self.gates.stopped.load(Ordering::SeqCst)
            && stat().is_some_and(|stat| stat.version == self.version)
            && self.ledger.is_there().is_ok()
    }
}

impl std::fmt::Debug for ErasureWatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ErasureWatch({})", self.path.display())
    }
}
