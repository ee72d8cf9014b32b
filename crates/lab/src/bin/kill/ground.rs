//! The ground: the store that an operation starts from. It is made once and copied for every kill. A fresh process
//! judges the result.

use super::{
    files,
    judge::{Facts, Verdict},
    member::RETURNED,
    mutant::Order,
    operations::{self, Ground, Operation},
};
use std::{
    collections::VecDeque,
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
    thread,
};
use tempfile::TempDir;

/// How many operations run at the same time.
const AT_ONCE: usize = 2;

/// How the process ended, whether its decision had returned, and the verdict, or what is wrong with the store.
pub(crate) type Tried<E> = (E, bool, Result<Verdict, String>);

/// The names that a stage uses: the ground, the facts about it, and its state after an uninterrupted operation.
const GROUND: &str = "ground";
const FACTS: &str = "facts.json";
const DONE: &str = "done";

/// Makes these three.
pub(crate) fn run(arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    let [name, scratch] = arguments else { return Err("a ground needs an operation and a directory".into()) };
    let (operation, scratch) = (operations::named(name)?, Path::new(scratch));
    let (ground, done) = (scratch.join(GROUND), scratch.join(DONE));
    fs::create_dir(&ground)?;
    operation.prepare(&ground)?;
    let facts = Facts::of(operation, &ground)?;
    if operation.ground == Ground::Full && !facts.are_full() {
        return Err(format!("it lacks something: {facts:?}").into());
    }
    operation.settle(&ground)?;
    fs::write(scratch.join(FACTS), serde_json::to_string(&facts)?)?;
    files::copy(&ground, &done)?;
    operation.finish(&done)
}

/// The ground of an operation, made once and copied for every kill.
pub(crate) struct Stage {
    pub(crate) operation: &'static Operation,
    scratch: TempDir,
}

impl Stage {
    /// A separate process makes the ground. If this process made it, a lock that it held could stay held in a process
    /// that another thread starts.
    pub(crate) fn new(operation: &'static Operation) -> Result<Stage, Box<dyn Error>> {
        let stage = Stage { operation, scratch: tempfile::tempdir()? };
        let mut command = Command::new(std::env::current_exe()?);
        let output = command.args(["ground", operation.name]).arg(stage.scratch.path()).output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stdout);
            return Err(format!("{}: no ground to start from: {}", operation.name, said.trim_end()).into());
        }
        Ok(stage)
    }

    fn ground(&self) -> PathBuf {
        self.scratch.path().join(GROUND)
    }

    fn facts(&self) -> PathBuf {
        self.scratch.path().join(FACTS)
    }

    /// Copies the ground, runs there the command that `program` completes, and has the result judged. `run` returns how
    /// the command ended and what it printed.
    pub(crate) fn try_with<E>(
        &self,
        program: &dyn Fn(&mut Command, &Path),
        run: impl FnOnce(Command) -> Result<(E, String), Box<dyn Error>>,
    ) -> Result<Tried<E>, Box<dyn Error>> {
        let directory = self.scratch.path().join("store");
        match fs::remove_dir_all(&directory) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        files::copy(&self.ground(), &directory)?;
        let mut command = Command::new(std::env::current_exe()?);
        program(&mut command, &directory);
        let (end, said) = run(command)?;
        let returned = said.lines().any(|line| line.starts_with(RETURNED));
        let said = if returned { RETURNED } else { "cut short" };
        let mut judge = Command::new(std::env::current_exe()?);
        judge.args(["judge", self.operation.name]).arg(&directory).arg(self.facts()).arg(said);
        let output = judge.output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let verdict = Verdict::ALL.into_iter().find(|(word, _)| output.status.success() && text.trim_end() == *word);
        let verdict = verdict.map(|(_, verdict)| verdict);
        let why = || {
            format!(
                "{} {}",
                text.trim_end().trim_start_matches("kill: FAILED: "),
                String::from_utf8_lossy(&output.stderr).trim_end()
            )
        };
        Ok((end, returned, verdict.ok_or_else(why)))
    }

    /// The program that makes the decision.
    pub(crate) fn member<'s>(&'s self) -> impl Fn(&mut Command, &Path) + 's {
        |command, directory| {
            command.args(["member", self.operation.name]).arg(directory);
            if self.operation.blocked {
                command.env("DO_NOT_TRACK", "1");
            }
        }
    }

    /// A program that writes in another order and pauses `rests` milliseconds between two steps.
    pub(crate) fn mutant<'s>(&'s self, order: &'s Order, rests: u64) -> impl Fn(&mut Command, &Path) + 's {
        move |command, directory| {
            command
                .args(["mutant", order.name])
                .arg(directory)
                .arg(self.scratch.path().join(DONE))
                .arg(rests.to_string());
        }
    }
}

/// Does all tasks, two at a time.
pub(crate) fn at_once<T: Send>(
    all: impl Iterator<Item = T>,
    does: impl Fn(T) -> Result<(), String> + Sync,
) -> Result<(), Box<dyn Error>> {
    let tasks: Mutex<VecDeque<T>> = Mutex::new(all.collect());
    thread::scope(|scope| {
        // Each thread watches only the processes that it started.
        let workers: Vec<_> = (0..AT_ONCE)
            .map(|_| {
                scope.spawn(|| {
                    loop {
                        let Some(task) = tasks.lock().map_err(|_| "another thread panicked")?.pop_front() else {
                            return Ok::<(), String>(());
                        };
                        does(task)?;
                    }
                })
            })
            .collect();
        workers.into_iter().try_for_each(|worker| worker.join().map_err(|_| "a thread panicked".to_owned())?)
    })?;
    Ok(())
}
