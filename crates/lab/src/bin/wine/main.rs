//! Checks where Wine differs from Windows. `src/manual/platforms.md` lists the differences, and `.ci/windows` runs
//! this. If a newer Wine no longer has one of them, this program fails. Then the manual and the tests that leave it out
//! must be updated.

use socket2::SockRef;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::ExitCode,
    thread,
    time::Duration,
};

const ERROR_ACCESS_DENIED: i32 = 5;
const ERROR_LOCK_VIOLATION: i32 = 33;
const ERROR_INVALID_NAME: i32 = 123;
const ERROR_DIR_NOT_EMPTY: i32 = 145;

/// A check, run in a directory of its own. Returns whether Wine behaves as the manual says.
type Look = fn(&Path) -> io::Result<bool>;

const LOOKS: [(&str, Look); 6] = [
    ("a file that somebody has open, sharing all, is not replaced", |directory| {
        let (new, old) = files(directory)?;
        let _held = File::open(&old)?;
        Ok(code(fs::rename(new, old)) == Some(ERROR_ACCESS_DENIED))
    }),
    ("a file that is removed keeps its name until nobody has it open", |directory| {
        let (_, old) = files(directory)?;
        let held = File::open(&old)?;
        fs::remove_file(&old)?;
        let stays = code(fs::remove_dir_all(directory)) == Some(ERROR_DIR_NOT_EMPTY);
        drop(held);
        fs::remove_dir_all(directory)?;
        Ok(stays)
    }),
    ("a lock is in the way where one that nobody has is let go of", |directory| {
        let (_, file) = files(directory)?;
        Ok(code(File::open(file)?.unlock()) == Some(ERROR_LOCK_VIOLATION))
    }),
    ("the name of a file is invalid where it is listed", |directory| {
        let (_, file) = files(directory)?;
        Ok(code(fs::read_dir(file)) == Some(ERROR_INVALID_NAME))
    }),
    ("a lock of a whole file bars nobody from reading it", |directory| {
        let (_, file) = files(directory)?;
        let held = OpenOptions::new().read(true).write(true).open(&file)?;
        held.lock()?;
        Ok(fs::read(&file)? == b"old" && File::open(&file)?.try_lock().is_err())
    }),
    ("a connection that is closed without lingering ends in order", |_| {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let mut client = TcpStream::connect(listener.local_addr()?)?;
        let (mut server, _) = listener.accept()?;
        client.write_all(b"half")?;
        SockRef::from(&client).set_linger(Some(Duration::ZERO))?;
        drop(client);
        thread::sleep(Duration::from_millis(20));
        Ok(server.read_to_end(&mut Vec::new()).is_ok_and(|read| read == 4))
    }),
];

fn files(directory: &Path) -> io::Result<(std::path::PathBuf, std::path::PathBuf)> {
    let (new, old) = (directory.join("new"), directory.join("old"));
    fs::write(&new, "new")?;
    fs::write(&old, "old")?;
    Ok((new, old))
}

fn code<T>(done: io::Result<T>) -> Option<i32> {
    done.err().and_then(|error| error.raw_os_error())
}

fn main() -> ExitCode {
    let mut as_said = 0;
    for (what, look) in LOOKS {
        let came = tempfile::tempdir().and_then(|directory| {
            let within = directory.path().join("within");
            fs::create_dir(&within)?;
            look(&within)
        });
        match came {
            Ok(true) => as_said += 1,
            other => println!("otherwise: {what}: {other:?}"),
        }
    }
    println!("wine: {as_said} of {} deviations as the manual says", LOOKS.len());
    if as_said == LOOKS.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
