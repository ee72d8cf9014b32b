//! Processes of their own: this binary again, running one test that is ignored otherwise.
//!
//! A child says that it ran, so that a renamed child can't pass as a green one. Where somebody runs the ignored tests
//! by hand, a child finds no parent and does nothing.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
    sync::{Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

/// Names the directory that the parent gives its child.
const HOME: &str = "CANDOR_IT_HOME";
const HANG: Duration = Duration::from_secs(60);

/// How many look at locks now, and whether a process is being made.
static FORKING: (Mutex<(usize, bool)>, Condvar) = (Mutex::new((0, false)), Condvar::new());

/// While it is held no process is made. A new process holds every lock of this one for the moment before it becomes
/// another program, so that a file somebody has just let go of seems to be held still.
pub(crate) struct Unforked(());

/// Waits for a process that is being made, but not for one that wants to be.
pub(crate) fn unforked() -> Unforked {
    let mut state = FORKING.1.wait_while(FORKING.0.lock().unwrap(), |(_, forking)| *forking).unwrap();
    state.0 += 1;
    Unforked(())
}

impl Drop for Unforked {
    fn drop(&mut self) {
        FORKING.0.lock().unwrap().0 -= 1;
        FORKING.1.notify_all();
    }
}

/// Makes a process while nobody looks at locks.
pub(crate) fn spawn(command: &mut Command) -> process::Child {
    FORKING.1.wait_while(FORKING.0.lock().unwrap(), |(looking, forking)| *looking > 0 || *forking).unwrap().1 = true;
    let child = command.spawn();
    FORKING.0.lock().unwrap().1 = false;
    FORKING.1.notify_all();
    child.unwrap()
}

/// A child to be run.
pub(crate) struct Child {
    name: &'static str,
    home: PathBuf,
    variables: Vec<(String, String)>,
    #[cfg(unix)]
    user: Option<u32>,
    before: Option<String>,
    dies: bool,
}

impl Child {
    /// `name` is the test's, with its modules: `silence::child_without_a_grant`.
    pub(crate) fn new(name: &'static str, home: &Path) -> Self {
        Child {
            name,
            home: home.to_owned(),
            variables: Vec::new(),
            #[cfg(unix)]
            user: None,
            before: None,
            dies: false,
        }
    }

    pub(crate) fn var(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Runs it as another user, which root may.
    #[cfg(unix)]
    pub(crate) fn user(mut self, user: u32) -> Self {
        self.user = Some(user);
        self
    }

    /// Runs it in a shell that did this first.
    #[cfg(unix)]
    pub(crate) fn after(mut self, shell: impl Into<String>) -> Self {
        self.before = Some(shell.into());
        self
    }

    /// Expects that it dies after it said that it ran.
    pub(crate) fn dies(mut self) -> Self {
        self.dies = true;
        self
    }

    /// Runs it, asserts that it really ran and passed, and answers what it printed.
    #[track_caller]
    pub(crate) fn run(self) -> String {
        let program = std::env::current_exe().unwrap();
        let out = tempfile::tempdir().unwrap();
        let (stdout, stderr) = (out.path().join("stdout"), out.path().join("stderr"));
        let mut command = match self.before {
            None => Command::new(&program),
            Some(shell) => {
                let mut command = Command::new("/bin/sh");
                command.arg("-c").arg(format!("{shell}\nexec \"$0\" \"$@\"")).arg(&program);
                command
            }
        };
        // Its output goes through pipes: a file could be one of those the child may not write.
        command.args([self.name, "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
        for name in ["DO_NOT_TRACK", "CANDOR_OFF", "CI", "CANDOR_LOCK", "PLAYER_TELEMETRY"] {
            command.env_remove(name);
        }
        // A home of its own, in which nobody has left any rules.
        command.env("HOME", self.home.join("home")).env_remove("XDG_CONFIG_HOME").env_remove("XDG_DATA_HOME");
        command.env(HOME, &self.home).envs(self.variables).stdin(Stdio::null());
        #[cfg(unix)]
        if let Some(user) = self.user {
            use std::os::unix::process::CommandExt;
            command.uid(user).gid(user);
        }
        let mut child = spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
        let pipe = |mut from: Box<dyn std::io::Read + Send>, to: PathBuf| {
            thread::spawn(move || std::io::copy(&mut from, &mut File::create(to).unwrap()))
        };
        let readers = [
            pipe(Box::new(child.stdout.take().unwrap()), stdout.clone()),
            pipe(Box::new(child.stderr.take().unwrap()), stderr.clone()),
        ];
        let until = Instant::now() + HANG;
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break Some(status);
            }
            if Instant::now() > until {
                child.kill().unwrap();
                break None;
            }
            thread::sleep(Duration::from_millis(5));
        };
        for reader in readers {
            while !reader.is_finished() {
                assert!(Instant::now() < until + HANG, "another process has the output of the child {}", self.name);
                thread::sleep(Duration::from_millis(5));
            }
        }
        let text = |path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
        let (stdout, stderr) = (text(stdout), text(stderr));
        let passed = status.is_some_and(|status| status.success() != self.dies);
        assert!(passed, "the child {} failed ({status:?}):\n{stdout}\n{stderr}", self.name);
        assert!(stdout.contains(&ran(self.name)), "the child {} did not run:\n{stdout}\n{stderr}", self.name);
        stdout
    }
}

fn ran(name: &str) -> String {
    format!("CHILD RAN {name}")
}

/// In a child: the directory its parent gave it, or `None` where there is no parent.
pub(crate) fn home() -> Option<PathBuf> {
    std::env::var_os(HOME).map(PathBuf::from)
}

/// In a child, at its end: says that it ran.
pub(crate) fn done(name: &str) {
    println!("\n{}", ran(name));
}
