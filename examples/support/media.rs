//! Real media for the example `media_server`: finds files, reads the metadata of each, and streams them over HTTP. This
//! module does not use candor.

use crate::Codec;
use std::{
    error::Error,
    fs::{self, File},
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
    time::Duration,
};
use symphonia::core::{
    codecs::{CodecParameters, audio::well_known as audio, video::well_known as video},
    errors::Error as MediaError,
    formats::{FormatReader, Track, TrackType, probe::Hint},
    io::MediaSourceStream,
};

const MAX_DEPTH: usize = 8;
const MAX_FILES: usize = 1_000;

/// File extensions that are tried. Other files are not media, and a media server would not list them either.
const EXTENSIONS: [&str; 17] = [
    "aif", "aiff", "avi", "flac", "m4a", "m4b", "m4v", "mka", "mkv", "mov", "mp3", "mp4", "oga", "ogg", "opus", "wav",
    "webm",
];

/// One media file and its metadata.
#[derive(Debug)]
pub(crate) struct Medium {
    pub(crate) path: PathBuf,
    pub(crate) title: String, // the file's name
    pub(crate) bytes: u64,
    pub(crate) bitrate: Option<u64>, // average, in bit/s
    pub(crate) duration: Option<Duration>,
    pub(crate) codec: Codec, // of the picture, or of the sound if there is no picture
}

/// The media found in the given folders.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) media: Vec<Medium>,
    pub(crate) skipped: Vec<(PathBuf, String)>, // what could not be read, and why
    pub(crate) links: usize,                    // symbolic links, which are not followed
    pub(crate) full: bool,                      // whether there was more than this example's limits allow
}

/// The folders where this computer usually keeps media, as far as they exist.
pub(crate) fn usual_folders() -> Vec<PathBuf> {
    let music = dirs::home_dir().map(|home| home.join("Music"));
    let known = [dirs::audio_dir(), music, dirs::video_dir(), Some("/usr/share/sounds".into())];
    let mut folders: Vec<PathBuf> = known.into_iter().flatten().filter(|folder| folder.is_dir()).collect();
    folders.dedup(); // the desktop's folder for music is usually ~/Music
    folders
}

/// Walks the folders and reads every media file in them. Files that can't be read are listed in `skipped` with the reason.
pub(crate) fn find(folders: &[PathBuf]) -> Found {
    let mut found = Found::default();
    for folder in folders {
        walk(folder, 0, &mut found);
    }
    found
}

fn walk(path: &Path, depth: usize, found: &mut Found) {
    if found.media.len() == MAX_FILES || depth > MAX_DEPTH {
        found.full = true;
        return;
    }
    if path.is_dir() {
        let mut entries = match fs::read_dir(path) {
            Ok(entries) => entries.flatten().collect::<Vec<_>>(),
            Err(error) => return found.skipped.push((path.to_owned(), error.to_string())),
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            // Uses the type of the entry itself, not of its target: a link could lead out of the folder or form a cycle.
            match entry.file_type() {
                Ok(kind) if kind.is_symlink() => found.links += 1,
                Ok(kind) if kind.is_dir() || kind.is_file() && is_media(&entry.path()) => {
                    walk(&entry.path(), depth + 1, found);
                }
                _ => {}
            }
        }
        return;
    }
    match read(path) {
        Ok(medium) => found.media.push(medium),
        Err(error) => found.skipped.push((path.to_owned(), error.to_string())),
    }
}

fn extension(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase()
}

fn is_media(path: &Path) -> bool {
    EXTENSIONS.contains(&extension(path).as_str())
}

fn read(path: &Path) -> Result<Medium, Box<dyn Error>> {
    let file = File::open(path)?;
    let bytes = file.metadata()?.len();
    let source = MediaSourceStream::new(Box::new(file), Default::default());
    let mut hint = Hint::new();
    hint.with_extension(&extension(path));
    let mut reader = match symphonia::default::get_probe().probe(&hint, source, Default::default(), Default::default())
    {
        Err(MediaError::Unsupported(_)) => return Err("no media format that this example knows".into()),
        other => other?,
    };
    let info = reader.media_info();
    let duration = info.time_base.zip(info.duration).and_then(|(base, ticks)| base.calc_duration(ticks));
    let duration = duration.and_then(|time| Duration::try_from_secs_f64(time.as_secs_f64()).ok());
    let track = reader.first_track(TrackType::Video).or_else(|| reader.first_track(TrackType::Audio));
    let codec = track.ok_or("neither picture nor sound in it").map(codec)?;
    let title = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let title = title.replace(char::is_control, "?"); // the title is printed to a terminal
    Ok(Medium {
        path: path.to_owned(),
        title,
        bytes,
        bitrate: bitrate(reader.as_mut(), bytes, duration),
        duration,
        codec,
    })
}

/// The average bitrate of the stream, in bit/s. Headers, tags and cover pictures are in the file but not in the stream:
/// with them, a one-second jingle would get twice its real rate. In files above 64 MiB they no longer matter, and counting
/// the packets would mean reading the whole file.
fn bitrate(reader: &mut dyn FormatReader, mut bytes: u64, duration: Option<Duration>) -> Option<u64> {
    let seconds = duration?.as_secs_f64();
    if bytes <= 64 << 20 {
        bytes = 0;
        // If a file can't be read to its end, its average bitrate is unknown.
        while let Some(packet) = reader.next_packet().ok()? {
            bytes += packet.data.len() as u64;
        }
    }
    (bytes > 0 && seconds > 0.0).then(|| (bytes as f64 * 8.0 / seconds) as u64)
}

fn codec(track: &Track) -> Codec {
    match &track.codec_params {
        Some(CodecParameters::Video(params)) => match params.codec {
            video::CODEC_ID_H264 => Codec::H264,
            video::CODEC_ID_HEVC => Codec::Hevc,
            video::CODEC_ID_AV1 => Codec::Av1,
            video::CODEC_ID_VP9 => Codec::Vp9,
            _ => Codec::Other,
        },
        Some(CodecParameters::Audio(params)) => match params.codec {
            audio::CODEC_ID_AAC => Codec::Aac,
            audio::CODEC_ID_MP3 => Codec::Mp3,
            audio::CODEC_ID_VORBIS | audio::CODEC_ID_OPUS => Codec::VorbisOrOpus,
            audio::CODEC_ID_FLAC | audio::CODEC_ID_ALAC | audio::CODEC_ID_PCM_S16LE => Codec::Lossless,
            _ => Codec::Other,
        },
        _ => Codec::Other,
    }
}

/// The files below a folder, with their sizes.
pub(crate) fn files_below(folder: &Path) -> io::Result<Vec<(PathBuf, u64)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let (path, kind) = entry.and_then(|entry| Ok((entry.path(), entry.metadata()?)))?;
        if kind.is_dir() {
            files.extend(files_below(&path)?);
        } else {
            files.push((path, kind.len()));
        }
    }
    files.sort();
    Ok(files)
}

/// What a media server knows about a stream after it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Served {
    pub(crate) bytes: u64,
    pub(crate) complete: bool,
}

/// A media server on loopback, together with a player that requests files from it.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    served: mpsc::Receiver<io::Result<Served>>,
}

impl Server {
    /// Serves the files as `/media/0`, `/media/1` and so on, one stream at a time, until the program ends.
    pub(crate) fn start(files: Vec<PathBuf>) -> io::Result<Server> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let (tell, served) = mpsc::channel();
        thread::Builder::new().name("media server".into()).spawn(move || {
            for stream in listener.incoming() {
                if tell.send(stream.and_then(|stream| serve(stream, &files))).is_err() {
                    return; // the example has ended
                }
            }
        })?;
        Ok(Server { address, served })
    }

    /// Plays one file as fast as possible: requests it over HTTP and reads it to the end.
    pub(crate) fn play(&self, index: usize) -> io::Result<Served> {
        let mut stream = TcpStream::connect(self.address)?;
        write!(stream, "GET /media/{index} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.address)?;
        let mut answer = BufReader::with_capacity(64 << 10, stream);
        let status = head(&mut answer)?;
        let heard = io::copy(&mut answer, &mut io::sink())?;
        let served = self.served.recv().map_err(io::Error::other)??;
        if !status.starts_with("HTTP/1.1 200 ") || heard != served.bytes {
            return Err(io::Error::other(format!("{status}; {} bytes served, {heard} heard", served.bytes)));
        }
        Ok(served)
    }
}

fn serve(stream: TcpStream, files: &[PathBuf]) -> io::Result<Served> {
    let mut request = BufReader::new(&stream);
    let line = head(&mut request)?;
    let index = line.strip_prefix("GET /media/").and_then(|rest| rest.strip_suffix(" HTTP/1.1"));
    let Some(path) = index.and_then(|index| files.get(index.parse::<usize>().ok()?)) else {
        (&stream).write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")?;
        return Ok(Served { bytes: 0, complete: false });
    };
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    write!(&stream, "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n")?;
    let (mut bytes, mut chunk) = (0, vec![0; 64 << 10]);
    loop {
        let read = file.read(&mut chunk)?;
        let Some(part @ [_, ..]) = chunk.get(..read) else { break };
        if (&stream).write_all(part).is_err() {
            break; // the player closed the connection
        }
        bytes += read as u64;
    }
    Ok(Served { bytes, complete: bytes == length })
}

/// Returns the first line of a request or an answer, and skips the headers.
fn head(from: &mut impl BufRead) -> io::Result<String> {
    let mut lines = from.take(16 << 10).lines();
    let first = lines.next().unwrap_or_else(|| Err(io::ErrorKind::UnexpectedEof.into()))?;
    for line in lines {
        if line?.is_empty() {
            return Ok(first);
        }
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}
