//! Runs the flow and its mutants under strace, and reports what was seen that should not have happened.

use super::{
    flow::{APPLICATION, CLOCK_READ, MARK, Mutant},
    stage::entries_below,
    support::Receiver,
};
use candor_lab::strace::{self, Call};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    error::Error,
    fs,
    io::{self, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::Output,
    time::{Duration, Instant},
};

/// Calls that are allowed at any time: synchronization of threads, memory, and the ids of the process and its user.
const ALWAYS: [&str; 10] =
    ["futex", "sched_yield", "brk", "mmap", "munmap", "mremap", "mprotect", "madvise", "getpid", "geteuid"];
/// Calls that are also allowed where candor may look for a file, if the path is right.
const LOOKS: [&str; 7] = ["openat", "statx", "newfstatat", "access", "faccessat2", "statfs", "prlimit64"];
const NETWORK: [&str; 9] =
    ["socket", "socketpair", "connect", "bind", "listen", "sendto", "sendmsg", "sendmmsg", "setsockopt"];
const THREADS: [&str; 4] = ["clone", "clone3", "fork", "vfork"];
const FILES: [&str; 11] = [
    "mkdir",
    "mkdirat",
    "creat",
    "mknodat",
    "rename",
    "renameat2",
    "unlink",
    "unlinkat",
    "link",
    "symlink",
    "ftruncate",
];
const WRITES: [&str; 5] = ["write", "writev", "pwrite64", "pwritev", "sendfile"];

/// The marks of a complete run, except the last one.
const PHASES: [&str; 5] = ["init", "record", "ask", "flush", "drop"];

/// A way to break silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Breach {
    Allocation,
    ClockRead,
    Connection,
    FieldWorkedOut,
    FileMade,
    LeftBehind,
    Network,
    Look,
    OtherCall,
    Thread,
    Unfinished,
    Write,
}
use Breach::*;

impl Mutant {
    /// The breaches that the check must at least find.
    fn must_show(self) -> &'static [Breach] {
        match self {
            Mutant::EarlyByte => &[Network, Connection],
            Mutant::EarlyFile => &[FileMade, LeftBehind],
            Mutant::EarlyLook => &[Look],
            Mutant::Alloc => &[Allocation],
            Mutant::Clock => &[ClockRead, Unfinished],
            Mutant::Thread => &[Thread],
            Mutant::Eager => &[FieldWorkedOut],
            Mutant::Grant => {
                &[Allocation, Connection, FieldWorkedOut, FileMade, LeftBehind, Look, Network, Thread, Write]
            }
        }
    }
}

/// The evidence that one run left.
struct Seen {
    home: PathBuf,
    calls: Vec<Call>,
    output: Output,
    counted: Option<Value>,
    connections: usize,
    left: u64,
}

/// Runs the check and prints one line of figures. An error means that the check failed.
pub(super) fn run() -> Result<(), Box<dyn Error>> {
    let began = Instant::now();
    let mut figures = Vec::new();
    for (name, variable) in [("nobody was asked", None), ("blocked as well", Some(("DO_NOT_TRACK", "1")))] {
        let seen = observe(None, variable)?;
        let breaches = judge(&seen);
        if !breaches.is_empty() {
            report(&breaches);
            return Err(format!("{} breaches of silence ({name}), listed above", breaches.len()).into());
        }
        figures.push(seen.figures(name));
    }
    for (name, mutant) in Mutant::ALL {
        let breaches = judge(&observe(Some(name), None)?);
        let shown: BTreeSet<Breach> = breaches.iter().map(|(breach, _)| *breach).collect();
        println!("the mutant {name} is found out: {shown:?}");
        if !mutant.must_show().iter().all(|breach| shown.contains(breach)) {
            report(&breaches);
            return Err(format!("the mutant {name} must show {:?}", mutant.must_show()).into());
        }
    }
    let (mutants, seconds) = (Mutant::ALL.len(), began.elapsed().as_secs_f64());
    println!("silence: {}; {mutants} of {mutants} mutants found out; {seconds:.1} s", figures.join("; "));
    Ok(())
}

fn report(breaches: &[(Breach, String)]) {
    for (breach, what) in breaches.iter().take(40) {
        println!("  {breach:?}: {what}");
    }
}

/// Runs the flow once, in a fresh home.
fn observe(mutant: Option<&str>, variable: Option<(&str, &str)>) -> Result<Seen, Box<dyn Error>> {
    let scratch = tempfile::tempdir()?;
    let (home, log) = (scratch.path().join("home"), scratch.path().join("trace"));
    fs::create_dir(&home)?;
    let receiver = Receiver::start()?;
    let mut command = strace::command(std::env::current_exe()?, &log, &["-s", "4096"]);
    command.arg("flow").arg(receiver.endpoint()).args(mutant.map(|name| ["--mutant", name]).into_iter().flatten());
    // The default directories of the platform are below the home, and nothing else in the environment matters.
    command.env_clear().env("HOME", &home).env("TMPDIR", &home).current_dir(&home).envs(variable);
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let output = command.output().map_err(|error| format!("strace can't be run: {error}"))?;
    let counted = serde_json::from_slice(&output.stdout).ok();
    let connections = connections(&receiver)?;
    let left = entries_below(&home);
    let calls = strace::read(&log)?;
    Ok(Seen { home, calls, output, counted, connections, left })
}

/// How many connections were made to the receiver. The receiver handles connections in order. So when it has answered
/// one from this function, it has counted every earlier one.
fn connections(receiver: &Receiver) -> io::Result<usize> {
    let mut own = TcpStream::connect(receiver.endpoint().trim_start_matches("http://"))?;
    own.set_read_timeout(Some(Duration::from_secs(5)))?;
    own.write_all(b"nothing that it knows\r\n\r\n")?;
    own.read_exact(&mut [0; 12])?;
    Ok(receiver.connections() - 1)
}

/// Compares a run with what is allowed.
fn judge(seen: &Seen) -> Vec<(Breach, String)> {
    let mut breaches: Vec<(Breach, String)> = seen.phases().iter().flat_map(|phase| phase.breaches(seen)).collect();
    let mut note = |breach, what: String| breaches.push((breach, what));
    let said = String::from_utf8_lossy(&seen.output.stderr);
    if said.contains(CLOCK_READ) {
        note(ClockRead, CLOCK_READ.into());
    }
    let phases: Vec<&str> = seen.phases().iter().map(|phase| phase.name).collect();
    if phases != PHASES || !seen.output.status.success() {
        note(Unfinished, format!("{} after {phases:?}: {said}", seen.output.status));
    }
    if seen.connections > 0 {
        note(Connection, format!("{} reached the receiver", seen.connections));
    }
    if seen.left > 0 {
        note(LeftBehind, format!("{} files and directories in the home", seen.left));
    }
    for (pointer, breach) in
        [("/allocations/record", Allocation), ("/evaluated", FieldWorkedOut), ("/flushed/requests", Connection)]
    {
        match seen.counted(pointer) {
            Some(0) => {}
            Some(count) => note(breach, format!("{pointer} is {count}")),
            None => note(Unfinished, format!("the program did not say {pointer}")),
        }
    }
    breaches
}

/// The calls between two marks.
struct Phase<'s> {
    name: &'s str,
    calls: Vec<&'s Call>,
}

impl Phase<'_> {
    fn breaches(&self, seen: &Seen) -> Vec<(Breach, String)> {
        self.calls.iter().filter_map(|call| Some((self.breach(call, seen)?, seen.shown(self.name, call)))).collect()
    }

    /// The breach of a call, if it is one.
    fn breach(&self, call: &Call, seen: &Seen) -> Option<Breach> {
        let makes = call.text.contains("O_CREAT") || call.text.contains("O_WRONLY") || call.text.contains("O_RDWR");
        match () {
            () if call.is_one_of(&ALWAYS) => None,
            () if call.is_one_of(&NETWORK) => Some(Network),
            () if call.is_one_of(&THREADS) => Some(Thread),
            () if call.is_one_of(&WRITES) => Some(Write),
            () if call.is_one_of(&FILES) || makes => Some(FileMade),
            () if call.is_one_of(&LOOKS) => (!seen.may_look(self.name, call)).then_some(Look),
            () => Some(OtherCall),
        }
    }
}

impl Seen {
    /// The trace, divided at the marks. What came before the first and after the last mark is not candor's.
    fn phases(&self) -> Vec<Phase<'_>> {
        let mut phases: Vec<Phase<'_>> = Vec::new();
        for call in &self.calls {
            let mark = call.path().and_then(|text| text.strip_prefix(MARK)).filter(|_| call.name == "write");
            match (mark, phases.last_mut()) {
                (Some("end\\n"), _) => return phases,
                (Some(mark), _) => phases.push(Phase { name: mark.trim_end_matches("\\n"), calls: Vec::new() }),
                (None, Some(phase)) => phase.calls.push(call),
                (None, None) => {}
            }
        }
        phases
    }

    /// Which files each phase may look for. `init` may look for the snapshot and nothing else. So may `flush`, which
    /// reports why nothing was sent. A question about consent may look at the records, for administrators' rules, at
    /// the owner of the home, and whether an answer could be kept. Recording and the end look at nothing.
    fn may_look(&self, phase: &str, call: &Call) -> bool {
        let (store, marks) = (self.below(".local/share"), self.below(".config"));
        let snapshot = store.join("consent");
        // The standard library once makes the call without a path, to find out whether the call exists.
        let Some(path) = call.path().map(Path::new) else {
            // The limit of a file's size is read together with the free space of the disk, to find out whether an
            // answer could be kept.
            let limit = phase == "ask" && call.text.starts_with("0, RLIMIT_FSIZE, NULL");
            return limit || matches!(phase, "init" | "ask") && call.text.starts_with("0, NULL");
        };
        match phase {
            "init" | "flush" => path == snapshot,
            "ask" => {
                let rules = self.home.join(".config/candor/policy.d");
                let above = |known: &PathBuf| path.starts_with(&self.home) && known.starts_with(path);
                // Where there are no rules, the directory above shows whether a link points to rules that can't be
                // reached.
                let of_rules = [Path::new("/etc/candor/policy.d"), &rules];
                of_rules.iter().any(|known| path == *known || known.parent() == Some(path))
                    || [&store, &marks].into_iter().any(above)
                    || [&snapshot, &store.join("ledger.jsonl"), &marks.join("high"), &store, &marks]
                        .into_iter()
                        .any(|known| known == path)
            }
            _ => false,
        }
    }

    fn below(&self, directory: &str) -> PathBuf {
        self.home.join(directory).join(APPLICATION).join("candor-1")
    }

    fn shown(&self, phase: &str, call: &Call) -> String {
        let text: String = call.text.chars().take(200).collect();
        format!("{}({} while the phase was {phase}", call.name, text.replace(&self.home.display().to_string(), "~"))
    }

    fn counted(&self, pointer: &str) -> Option<u64> {
        self.counted.as_ref()?.pointer(pointer)?.as_u64()
    }

    /// One run in a few words.
    fn figures(&self, name: &str) -> String {
        let count = |pointer| self.counted(pointer).map_or("?".into(), |count| count.to_string());
        let looks = |name: &str| {
            let phases = self.phases();
            let calls = phases.iter().filter(|phase| phase.name == name).flat_map(|phase| &phase.calls);
            calls.filter(|call| call.is_one_of(&LOOKS)).count()
        };
        let traced: usize = self.phases().iter().map(|phase| phase.calls.len()).sum();
        format!(
            "{name}: {} events on {} threads, {} allocations while recording, {} fields worked out, 0 clock reads, {} \
             connections, {} files, 0 of {traced} system calls off the list (looks: {} in init and {} in flush, \
             for the snapshot; {} for answers)",
            count("/events"),
            count("/threads"),
            count("/allocations/record"),
            count("/evaluated"),
            self.connections,
            self.left,
            looks("init"),
            looks("flush"),
            looks("ask"),
        )
    }
}
