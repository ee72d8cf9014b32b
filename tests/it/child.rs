//! Tests in separate processes: this binary runs again, with one test that is otherwise ignored.
//!
//! A child prints that it ran, so a renamed child can't pass unnoticed. A user who runs the ignored tests by hand gives a
//! child no parent: it then does nothing.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
    sync::{Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

/// The variable that holds the directory which the parent gives its child.
const HOME: &str = "CANDOR_IT_HOME";
const HANG: Duration = Duration::from_secs(60);

/// How many threads are checking locks now, and whether a process is being created.
static FORKING: (Mutex<(usize, bool)>, Condvar) = (Mutex::new((0, false)), Condvar::new());

/// While a value of this type exists, no process is created. A new process holds every lock of this one until it executes
/// another program. In that moment a file that was just unlocked still looks locked.
pub(crate) struct Unforked(());

/// Waits for a process that is being created, but not for a thread that waits to create one.
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

/// Creates a process while no thread checks locks.
pub(crate) fn spawn(command: &mut Command) -> process::Child {
    FORKING.1.wait_while(FORKING.0.lock().unwrap(), |(looking, forking)| *looking > 0 || *forking).unwrap().1 = true;
    let child = command.spawn();
    FORKING.0.lock().unwrap().1 = false;
    FORKING.1.notify_all();
    child.unwrap()
}

/// A child process to run.
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
    /// `name` is the test's name with its modules: `silence::child_without_a_grant`.
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

    /// Runs the child as another user. Only root may do that.
    #[cfg(unix)]
    pub(crate) fn user(mut self, user: u32) -> Self {
        self.user = Some(user);
        self
    }

    /// Runs the child in a shell that executes these commands first.
    #[cfg(unix)]
    pub(crate) fn after(mut self, shell: impl Into<String>) -> Self {
        self.before = Some(shell.into());
        self
    }

    /// Expects the child to die after it printed that it ran.
    pub(crate) fn dies(mut self) -> Self {
        self.dies = true;
        self
    }

    /// Runs the child, asserts that it ran and passed, and returns what it printed.
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
        // Its output goes through pipes, because the child may be unable to write files.
        command.args([self.name, "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
        for name in ["DO_NOT_TRACK", "CANDOR_OFF", "CI", "CANDOR_LOCK", "PLAYER_TELEMETRY"] {
            command.env_remove(name);
        }
        // A separate home directory, so that no rules of the real user apply.
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

/// In a child: the directory that its parent gave it, or `None` without a parent.
pub(crate) fn home() -> Option<PathBuf> {
    std::env::var_os(HOME).map(PathBuf::from)
}

/// In a child, at its end: prints that it ran.
pub(crate) fn done(name: &str) {
    println!("\n{}", ran(name));
}
