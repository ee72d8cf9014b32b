//! Resolves a host to addresses. It never blocks the caller longer than its time limit.
//!
//! The system's look-up has no time limit. So it runs on a thread of its own, two at most in a process. The caller polls for the
//! result at short intervals. At each poll it checks whether the consent is still in force, and it returns when the time is up.
//! Such a thread knows a host's name and port and nothing else. A host that is an IP address is never looked up. If no thread can
//! be started, that is an error.

use super::line::{Gate, PollInterval, Until};
use std::{
    fmt, io,
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
};
use ureq::{
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{ResolvedSocketAddrs, Resolver},
        transport::NextTimeout,
    },
};

/// How many look-ups may run at the same time. A name server that doesn't answer must not fill the process with threads.
const AT_ONCE: usize = 2;
/// How many addresses are tried. They share the time for connecting, so with many of them each would get too little.
const TRIED: usize = 8;

static BUSY: AtomicUsize = AtomicUsize::new(0);

/// How names are looked up, and how many look-ups run at the moment.
#[derive(Clone, Copy)]
pub(super) struct LookUp {
    pub(super) find: fn(&str, u16) -> io::Result<Vec<SocketAddr>>,
    pub(super) busy: &'static AtomicUsize,
}

impl LookUp {
    /// The operating system's look-up.
    pub(super) const SYSTEM: LookUp =
        LookUp { find: |host, port| Ok((host, port).to_socket_addrs()?.collect()), busy: &BUSY };
}

impl fmt::Debug for LookUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LookUp({} at once)", self.busy.load(Ordering::Relaxed))
    }
}

/// The resolver of one exchange.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) gate: Gate,
    pub(super) look_up: LookUp,
}

impl Resolver for Names {
    fn resolve(&self, uri: &Uri, config: &Config, limit: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        self.gate.ask()?;
        let host = uri.host().ok_or(ureq::Error::HostNotFound)?;
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
        let mut addresses = self.empty();
        if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
            addresses.push(SocketAddr::new(address, port));
            return Ok(addresses);
        }
        let found = self.wait(host, port, Until::new(limit))?;
        for address in config.ip_family().keep_wanted(found.into_iter()).take(TRIED) {
            addresses.push(address);
        }
        if addresses.is_empty() { Err(ureq::Error::HostNotFound) } else { Ok(addresses) }
    }
}

impl Names {
    fn wait(&self, host: &str, port: u16, until: Until) -> Result<Vec<SocketAddr>, ureq::Error> {
        let slot = Slot::take(self.look_up.busy)
            .ok_or_else(|| io::Error::new(io::ErrorKind::ResourceBusy, "earlier look-ups have not ended yet"))?;
        let (found, answer) = mpsc::sync_channel(1);
        let (find, host) = (self.look_up.find, host.to_owned());
        // The caller never joins the thread. It ends when the system's look-up returns, and frees its slot then.
        crate::thread::start("candor-names", move || {
            let _slot = slot;
            // Sending fails if the caller no longer waits.
            let _ = found.send(find(&host, port));
        })?;
        let mut poll_interval = PollInterval::new();
        loop {
            match answer.recv_timeout(until.pause(&mut poll_interval)?) {
                Ok(found) => return Ok(found?),
                Err(RecvTimeoutError::Timeout) => self.gate.ask()?,
                Err(RecvTimeoutError::Disconnected) => return Err(ureq::Error::HostNotFound),
            }
        }
    }
}

/// A slot for one of the look-ups that may run at the same time. Dropping it frees the slot, on any thread.
struct Slot(&'static AtomicUsize);

impl Slot {
    fn take(busy: &'static AtomicUsize) -> Option<Self> {
        busy.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |taken| (taken < AT_ONCE).then_some(taken + 1)).ok()?;
        Some(Slot(busy))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
