//! The secrets of scopes, the keys derived from them, and the codes that are made with these keys. Never sends a secret
//! or a key.
//!
//! Each scope has a secret of 32 random bytes. It is created when the scope is granted and destroyed when the grant is
//! withdrawn. It never leaves this computer. Without it a code can't be reversed: an unkeyed hash of a short value can
//! be guessed by trying all values, and a keyed one can't. The keys of periods are derived from the secret and kept in
//! memory only.
//!
//! When a grant is withdrawn, its secret and keys are destroyed. Everything here that holds a secret or a key is
//! overwritten when it is dropped, including buffers and texts. What a computation leaves on the stack is overwritten
//! after it. `.ci/secrets` searches memory for what is left.

use crate::{
    ambient::{Ambient, Day, hex, unhex},
    consent::{MAX_SCOPES, Scope, ScopeKey},
    disk::{self, Files, StatKind},
    error::{At, Error},
    event::{Code, Codes, Linkage, Schema, cohort},
    precision::Precision,
    sync::Mutex,
};
use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    hint::black_box,
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use zeroize::Zeroizing;

/// Hard-coded and without variable data, as blake3 requires of a `derive_key` context.
const CONTEXT: &str = "candor 2026-11-22 identifier pseudonym v1 scope key";

const FILE_MOST: u64 = 64 << 10;

type Key = [u8; 32];

/// How many bytes of stack to overwrite after the deepest call below, with a margin. By a scan of the stack on x86-64,
/// a hash takes 35,112 bytes where nothing is optimised, and 1,048 bytes where everything is.
const DEEP: usize = if cfg!(debug_assertions) { 48 << 10 } else { 16 << 10 };
/// The same for the code of a short value, which a recording thread makes. Optimised, that takes at most 1,048 bytes.
const SHALLOW: usize = if cfg!(debug_assertions) { 40 << 10 } else { 1280 };

/// The secrets on disk, by scope, in hex.
#[derive(Default, Serialize, Deserialize)]
#[serde(transparent)]
struct Secrets(BTreeMap<String, Secret>);

/// One secret. When the map grows, it moves only the pointer to the text and not the text, so no copy of the secret is
/// left behind.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Secret(Zeroizing<String>);

/// The keys of one client: the file with the secrets, and the keys of the current day, which recording threads read.
pub(crate) struct Keys {
    files: Files,
    path: PathBuf,
    application: String,
    ambient: Ambient,
    current: ArcSwap<Current>,
    /// Boxed, so that the map never moves a key and leaves a copy behind.
    sessions: Mutex<BTreeMap<&'static str, Box<Zeroizing<Key>>>>,
    /// True if the secrets could not be read when they were last needed.
    unread: AtomicBool,
}

/// The keys that codes are made with today.
struct Current {
    day: Day,
    /// Indexed by the scope's number.
    periods: [Option<Arc<Periods>>; MAX_SCOPES],
}

/// The keys of one scope. They are overwritten when the last user drops them. `.ci/secrets` relies on the order of the
/// fields.
#[derive(Default)]
#[repr(C)]
struct Periods {
    /// Valid for the whole grant. This key never rotates, since a new key would sample other items.
    items: Zeroizing<Key>,
    session: Zeroizing<Key>,
    day: Zeroizing<Key>,
    week: Zeroizing<Key>,
    month: Zeroizing<Key>,
}

impl Keys {
    pub(crate) fn new(files: Files, path: PathBuf, application: String, ambient: Ambient) -> Self {
        let current = ArcSwap::from_pointee(Current { day: Day::NONE, periods: [const { None }; MAX_SCOPES] });
        let (sessions, unread) = (Mutex::default(), AtomicBool::new(false));
        Keys { files, path, application, ambient, current, sessions, unread }
    }

    /// Creates a new secret for the scope and replaces one that it already has. So codes of two grants can't be
    /// matched.
    ///
    /// Fails if there are no random bytes, if the secrets of other scopes can't be read, or if the file can't be
    /// written.
    pub(crate) fn create(&self, scope: Scope) -> Result<(), Error> {
        leaving_nothing::<DEEP, _>(|| {
            let mut secret = Zeroizing::new([0; 32]);
            self.ambient.fill(&mut *secret).at("get random bytes for", &self.path)?;
            let mut secrets = self.others()?;
            secrets.0.insert(scope.name().into(), Secret(Zeroizing::new(hex(&*secret))));
            self.write(&secrets).at("write", &self.path)
        })
    }

    /// Checks whether a secret could be added, as far as that can be seen without writing. Changes nothing.
    pub(crate) fn may_create(&self) -> Result<(), Error> {
        leaving_nothing::<DEEP, _>(|| self.others().map(drop))?;
        self.files.may_replace(&self.path).at("write", &self.path)
    }

    /// Reads the secrets to which a new one is added. A damaged file counts as empty, because secrets that can't be
    /// read make no codes. A file that could not be read is an error, because it may hold the secrets of other scopes.
    fn others(&self) -> Result<Secrets, Error> {
        match self.read() {
            Err(error) if !is_damage(&error) => Err(error).at("read", &self.path),
            secrets => Ok(secrets.ok().flatten().unwrap_or_default()),
        }
    }

    /// Whether the scope has a secret on disk.
    pub(crate) fn has(&self, scope: ScopeKey<'_>) -> bool {
        leaving_nothing::<DEEP, _>(|| {
            match self.read() {
                Ok(secrets) => secrets.is_some_and(|secrets| secrets.0.contains_key(scope.name())),
                // If the file could not be read, it may hold one.
                Err(error) => !is_damage(&error),
            }
        })
    }

    /// Destroys the scope's secret and the keys derived from it. Returns whether there was a secret.
    pub(crate) fn destroy(&self, scope: ScopeKey<'_>) -> io::Result<bool> {
        self.wipe(scope);
        self.remove_secret(scope.name())
    }

    /// Overwrites the scope's keys in the memory of this process.
    pub(crate) fn wipe(&self, scope: ScopeKey<'_>) {
        if let Some(scope) = scope.declared() {
            self.drop_keys(|of| of != scope.index());
            self.sessions.lock().remove(scope.name());
        }
    }

    /// Whether this process has any of a scope's keys in memory.
    #[cfg(test)]
    pub(crate) fn are_in_memory(&self, scope: Scope) -> bool {
        let known = self.current.load();
        known.periods.get(scope.index()).is_some_and(Option::is_some) || self.sessions.lock().contains_key(scope.name())
    }

    /// Drops the keys in memory except those of the scopes with these numbers.
    fn drop_keys(&self, keeps: impl Fn(usize) -> bool) {
        self.current.rcu(|current| {
            let mut periods = [const { None }; MAX_SCOPES];
            for (index, (place, old)) in periods.iter_mut().zip(&current.periods).enumerate() {
                if keeps(index) {
                    place.clone_from(old);
                }
            }
            Current { day: current.day, periods }
        });
    }

    /// Removes a scope's secret from the disk. Returns whether there was one.
    fn remove_secret(&self, scope: &str) -> io::Result<bool> {
        if self.files.stat(&self.path)?.is_none() {
            return Ok(false);
        }
        leaving_nothing::<DEEP, _>(|| match self.read() {
            Ok(Some(mut secrets)) => {
                let had = secrets.0.remove(scope).is_some();
                if had {
                    self.write(&secrets)?;
                }
                Ok(had)
            }
            // A damaged file: it is unknown whose secrets it holds, so all of them are removed.
            Ok(None) => self.files.remove_with_unfinished(&self.path).map(|()| true),
            Err(error) if is_damage(&error) => self.files.remove_with_unfinished(&self.path).map(|()| true),
            // A file that was refused, and that holds the secret of this scope only: it can be removed.
            Err(error) if disk::refusal(&error).is_some() && self.holds_only(scope) => {
                self.files.remove_with_unfinished(&self.path).map(|()| true)
            }
            // The file could not be read, and it may hold secrets of other scopes: the caller tries again later. A file
            // that other users may open is not rewritten as one that only its owner may open, because whatever they
            // read or wrote there would be taken for secret from then on.
            Err(error) => Err(error),
        })
    }

    /// Derives the keys of `day` for the open scopes, and drops those of all other scopes. Called by the worker, never
    /// on a recording thread.
    pub(crate) fn refresh(&self, day: Day, open: impl Iterator<Item = Scope>) {
        let mut periods = [const { None }; MAX_SCOPES];
        let open: Vec<Scope> = open.collect();
        let unread = leaving_nothing::<DEEP, _>(|| {
            let secrets = match self.read() {
                Ok(secrets) => secrets.unwrap_or_default(),
                Err(error) if is_damage(&error) => Secrets::default(),
                Err(_) => return true,
            };
            // A session lasts as long as the grant. It survives a scope that is only closed for a while.
            self.sessions.lock().retain(|&scope, _| secrets.0.contains_key(scope));
            for scope in &open {
                if let (Some(secret), Some(place)) = (secrets.0.get(scope.name()), periods.get_mut(scope.index())) {
                    *place = self.periods(scope.name(), secret, day);
                }
            }
            false
        });
        self.unread.store(unread, Ordering::SeqCst);
        if unread && self.current.load().day == day {
            // The keys of today are still valid, so they are kept for the scopes that are open.
            self.drop_keys(|of| open.iter().any(|scope| scope.index() == of));
        } else {
            self.current.store(Arc::new(Current { day, periods }));
        }
    }

    /// Why the secrets can't be read now: the file, with the system's error or what to do. `None` if they can be read,
    /// or if they are damaged.
    pub(crate) fn why_unread(&self) -> Option<String> {
        let error = leaving_nothing::<DEEP, _>(|| self.read().err())?;
        (!is_damage(&error)).then(|| format!("{}: {error}", self.path.display()))
    }

    /// Whether the secrets could not be read when they were last needed. Scopes may then have no codes.
    pub(crate) fn are_unread(&self) -> bool {
        self.unread.load(Ordering::SeqCst)
    }

    fn periods(&self, scope: &'static str, secret: &Secret, day: Day) -> Option<Arc<Periods>> {
        let secret = Zeroizing::new(unhex::<32>(&secret.0)?);
        let mut sessions = self.sessions.lock();
        let random: &Key = match sessions.entry(scope) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(place) => {
                let mut random = Box::new(Zeroizing::new([0; 32]));
                self.ambient.fill(&mut **random).ok()?;
                place.insert(random)
            }
        };
        let scope_key = Zeroizing::new(scope_key(&secret, &self.application, scope));
        // Made in place, so that no copy of a key is left behind.
        let mut periods = Arc::<Periods>::default();
        let all = Arc::get_mut(&mut periods)?;
        *all.items = *keyed(&scope_key, [b"rollup", b"item", b""]).as_bytes();
        // The session key depends on this grant, this process and this day. A program that runs for months thus has
        // many sessions.
        *all.session = period_key(keyed(&scope_key, [b"period", b"session", random]).as_bytes(), "day", day.0);
        *all.day = period_key(&scope_key, "day", day.0);
        *all.week = period_key(&scope_key, "week", day.week());
        *all.month = period_key(&scope_key, "month", day.month());
        Some(periods)
    }

    /// The bits that decide about an item, by one of the scope's keys.
    fn drawn(&self, schema: &Schema, domain: &str, value: &[u8], key: impl Fn(&Periods) -> &Key) -> Option<u64> {
        let current = self.current.load();
        let key = key(current.periods.get(schema.scope().index())?.as_deref()?);
        let (drawn, _) = words::<true>(key, domain, value);
        burn::<SHALLOW>();
        Some(drawn)
    }

    /// Reads the secrets. `None` if there are none, or if they are damaged.
    fn read(&self) -> io::Result<Option<Secrets>> {
        let Some(bytes) = self.files.contents(&self.path, FILE_MOST).found()? else { return Ok(None) };
        let bytes = Zeroizing::new(bytes);
        Ok(disk::unseal("keys", &bytes).and_then(|json| serde_json::from_str(json).ok()))
    }

    /// Whether a file that other users may open holds the secret of this scope and no other.
    fn holds_only(&self, scope: &str) -> bool {
        if !matches!(self.files.stat(&self.path), Ok(Some(stat)) if stat.kind == StatKind::File) {
            return false;
        }
        let Ok(bytes) = self.files.read_shared(&self.path, FILE_MOST).map(Zeroizing::new) else { return false };
        let secrets: Option<Secrets> = disk::unseal("keys", &bytes).and_then(|json| serde_json::from_str(json).ok());
        secrets.is_some_and(|secrets| secrets.0.keys().all(|of| of == scope))
    }

    fn write(&self, secrets: &Secrets) -> io::Result<()> {
        // Allocated at its full size: a buffer that grows leaves its bytes in the old memory.
        let one = |(scope, secret): (&String, &Secret)| scope.len() + secret.0.len() + 8;
        let mut json = Zeroizing::new(Vec::with_capacity(2 + secrets.0.iter().map(one).sum::<usize>()));
        serde_json::to_writer(&mut *json, secrets).map_err(io::Error::other)?;
        let json = std::str::from_utf8(&json).map_err(io::Error::other)?;
        self.files.replace(&self.path, &Zeroizing::new(disk::seal("keys", json)))
    }
}

/// Whether a file was examined and can't be one that candor wrote, because it is too large. A file that other users may
/// open was examined but not read. It counts as no more damaged than a file that the system did not let us read.
fn is_damage(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidData && disk::refusal(error).is_some()
}

/// Runs `act`, which leaves keys on the stack, and then overwrites `BYTES` bytes of stack below the caller.
#[inline(always)]
fn leaving_nothing<const BYTES: usize, T>(act: impl FnOnce() -> T) -> T {
    #[inline(never)]
    fn apart<T>(act: impl FnOnce() -> T) -> T {
        act()
    }
    let done = apart(act);
    burn::<BYTES>();
    done
}

/// Overwrites `BYTES` bytes of stack below the caller.
#[inline(never)]
fn burn<const BYTES: usize>() {
    black_box(&mut [0u8; BYTES]);
}

impl Codes for Keys {
    fn code(&self, schema: &Schema, domain: &str, value: &[u8]) -> Option<(Code, u64)> {
        let current = self.current.load();
        let periods = current.periods.get(schema.scope().index())?.as_deref()?;
        let key = match schema.linkage() {
            Linkage::Session => &periods.session,
            Linkage::Day => &periods.day,
            Linkage::Week => &periods.week,
            Linkage::Month => &periods.month,
            Linkage::Rollup | Linkage::Once | Linkage::None => return None,
        };
        let (code, rest) = words::<false>(key, domain, value);
        burn::<SHALLOW>();
        Some((Code::new(code.to_le_bytes(), current.day), rest))
    }

    fn draw(&self, schema: &Schema, domain: &str, value: &[u8]) -> Option<u64> {
        self.drawn(schema, domain, value, |periods| &periods.items)
    }

    fn draw_of_month(&self, schema: &Schema, domain: &str, value: &[u8]) -> Option<u64> {
        self.drawn(schema, domain, value, |periods| &periods.month)
    }
}

/// The first two words of the keyed hash of an identifier or of an item. The event's name is not part of the hash, so
/// two events about the same items sample the same ones.
///
/// This is a separate function, so that what it leaves on the stack lies below its caller. Its result fits into
/// registers.
#[inline(never)]
fn words<const ITEM: bool>(key: &Key, domain: &str, value: &[u8]) -> (u64, u64) {
    let kind: &[u8] = if ITEM { b"item" } else { b"id" };
    let hash = keyed(key, [kind, domain.as_bytes(), value]);
    let (words, _) = hash.as_bytes().as_chunks();
    match words {
        [first, second, ..] => (u64::from_le_bytes(*first), u64::from_le_bytes(*second)),
        _ => (0, 0),
    }
}

/// What an example would look like as a code or as a group. It is made with a key of zeros, so it differs from that of
/// any real computer.
pub(crate) fn example(precision: &Precision, domain: &str, value: &str) -> String {
    let hash = identifier(&[0; 32], domain, value.as_bytes());
    let (code, rest) = hash.as_bytes().split_at(8);
    match (precision, rest.first_chunk()) {
        (Precision::Cohort { bits }, Some(rest)) => precision.words(cohort(u64::from_le_bytes(*rest), *bits)),
        _ => hex(code),
    }
}

fn scope_key(secret: &Key, application: &str, scope: &str) -> Key {
    let base = Zeroizing::new(blake3::derive_key(CONTEXT, secret));
    *keyed(&base, [b"scope", application.as_bytes(), scope.as_bytes()]).as_bytes()
}

fn period_key(scope_key: &Key, kind: &str, index: u32) -> Key {
    *keyed(scope_key, [b"period", kind.as_bytes(), &index.to_le_bytes()]).as_bytes()
}

fn identifier(period_key: &Key, domain: &str, value: &[u8]) -> blake3::Hash {
    keyed(period_key, [b"id", domain.as_bytes(), value])
}

/// A keyed hash over parts. Each part is preceded by its length, so that different lists of parts never give the same
/// input.
#[inline(always)]
fn keyed(key: &Key, parts: [&[u8]; 3]) -> blake3::Hash {
    // The input nearly always fits one block or three. The state of a hasher alone takes ten times as much memory.
    if let Some(hash) = short::<64>(key, parts).or_else(|| short::<192>(key, parts)) {
        return hash;
    }
    leaving_nothing::<DEEP, _>(|| {
        let mut hasher = blake3::Hasher::new_keyed(key);
        for part in parts {
            hasher.update(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes());
            hasher.update(part);
        }
        hasher.finalize()
    })
}

/// The same for parts that together fit `BYTES` bytes. `None` if they don't.
#[inline(always)]
fn short<const BYTES: usize>(key: &Key, parts: [&[u8]; 3]) -> Option<blake3::Hash> {
    let mut short = [0u8; BYTES];
    let mut len = 0;
    let fits = parts.iter().all(|part| {
        let length = u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes();
        put(&mut short, &mut len, &length) && put(&mut short, &mut len, part)
    });
    fits.then(|| blake3::keyed_hash(key, short.split_at(len).0))
}

/// Copies `bytes` to `into` at offset `len` and advances `len`. Returns false if they don't fit.
#[inline(always)]
fn put(into: &mut [u8], len: &mut usize, bytes: &[u8]) -> bool {
    let end = len.saturating_add(bytes.len());
    let Some(place) = into.get_mut(*len..end) else { return false };
    place.copy_from_slice(bytes);
    *len = end;
    true
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod many;

#[cfg(test)]
mod tests {
    use super::*;

    /// Known answers that every version must give: the codes of one month must stay comparable.
    #[test]
    fn known_answer() {
        let secret: Key = std::array::from_fn(|i| i as u8);
        assert_eq!(
            hex(&blake3::derive_key(CONTEXT, &secret)),
            "8dc34213d7b198b83bcdd32fa932ec17c0526c222ecf31e37a4cfa06766e90a9"
        );
        let scope = scope_key(&secret, "org.example.player", "usage");
        assert_eq!(hex(&scope), "611a417df935536a4e110b3fd3ec92952205f43fe1d0ceb2fbaca4260049f4da");
        let period = period_key(&scope, "month", Day::parse("2026-11-22").unwrap().month());
        assert_eq!(hex(&period), "59292bd1a9a62e3e2aaf68f1e002cb122e4d9a7993427e3a318cc6bed413b52e");
        let id = identifier(&period, "server-name", b"nas.local");
        assert_eq!(id.to_hex().as_str(), "64bfccc08058017422a7d35257faefe0275bc49875b64cb7b7571eba2c23240f");
        assert_eq!(hex(&id.as_bytes()[..8]), "64bfccc080580174");
        // The cohort, counted from 1.
        let rest = u64::from_le_bytes(id.as_bytes()[8..16].try_into().unwrap());
        assert_eq!(cohort(rest, 6), 57);
    }

    #[test]
    fn long_values_hash_as_short_ones_do() {
        let key = [7; 32];
        for len in [0, 1, 100, 177, 178, 179, 180, 181, 182, 183, 184, 500] {
            let value = vec![b'x'; len];
            let mut plain = Vec::new();
            for part in [&b"id"[..], b"d", &value] {
                plain.extend_from_slice(&(part.len() as u32).to_le_bytes());
                plain.extend_from_slice(part);
            }
            assert_eq!(identifier(&key, "d", &value), blake3::keyed_hash(&key, &plain), "{len}");
        }
    }
}
