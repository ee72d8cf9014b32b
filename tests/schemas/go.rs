//! The Go toolchain: counts of 230 buckets a week without any id, off until the person agrees.

use crate::program::{Answer::*, Program, Why};
use candor::{Category, Client, Event, Snapshot, event::Tenure};

candor::scope! {
    /// Find out which parts of the toolchain are used and fail, so that old parts can be removed and broken ones repaired.
    pub GO = "go" {
        title: "Go telemetry", revision: 1, about: installation, retention: 365 days,
        benefit: "Tools that work with your editor and your version", other_uses: none,
    }
}

/// The toolchain was used in this week.
#[derive(Event)]
#[event(name = "go.week", scope = GO, once = week, values = first)]
struct Week {
    /// How many weeks ago you agreed to these reports.
    #[field(tenure)]
    since: Tenure,
}

/// An editor.
#[derive(Category, Clone, Copy)]
#[allow(dead_code, reason = "the made-up installation has two of them")]
enum Editor {
    Vscode,
    Vim,
    Neovim,
    Emacs,
    Sublime,
    Helix,
    Zed,
    Eglot,
    CocNvim,
    Govim,
    Other,
}

candor::counter! {
    /// The language server was started.
    STARTED = "go.editor" in GO {
        /// By which editor.
        editor: Editor,
    }

    /// A command of the toolchain was run.
    COMMAND = "go.command" in GO {
        /// Which.
        #[field(vocabulary = ["build", "test", "run", "get", "mod", "vet", "fmt", "generate", "install", "list",
            "work", "env", "tool", "fix", "version", "doc", "clean", "telemetry"], example = "build")]
        command: &'static str,
    }

    /// Source was changed by the language server.
    REFACTORED = "go.refactored" in GO {
        /// How.
        #[field(vocabulary = ["inline", "extract", "rename", "fill-struct", "change-signature", "move",
            "add-test", "add-tags", "unused-parameter"], example = "inline")]
        how: &'static str,
    }

    /// An assistant used a tool of the language server.
    MCP = "go.mcp" in GO {
        /// Which tool.
        #[field(vocabulary = ["workspace", "search", "references", "diagnostics", "context", "package-api",
            "rename", "vulnerabilities"], example = "search")]
        tool: &'static str,
    }

    /// Old code of the tools was reached.
    OLD = "go.old" in GO {
        /// Which.
        #[field(vocabulary = ["gopath-mode", "vendor-modules-txt", "legacy-loader", "old-flag-parser",
            "asm-fallback"], example = "gopath-mode")]
        code: &'static str,
    }

    /// A tool crashed.
    CRASHED = "go.crashed" in GO {
        /// Which tool.
        #[field(vocabulary = ["go", "gopls", "compile", "link", "vet", "govulncheck"], example = "gopls")]
        tool: &'static str,
    }
}

candor::timing! {
    /// The language server completed a word.
    COMPLETED = "go.completed" in GO;
}

/// A binary was built.
#[derive(Event)]
#[event(name = "go.built", scope = GO, linkage = rollup)]
struct Built {
    /// For which system.
    #[field(vocabulary = ["aix", "android", "darwin", "dragonfly", "freebsd", "illumos", "ios", "js", "linux",
        "netbsd", "openbsd", "plan9", "solaris", "wasip1", "windows"], example = "linux")]
    os: &'static str,
    /// For which processor.
    #[field(vocabulary = ["386", "amd64", "arm", "arm64", "loong64", "mips", "mips64", "mips64le", "mipsle",
        "ppc64", "ppc64le", "riscv64", "s390x", "wasm"], example = "amd64")]
    arch: &'static str,
    /// Whether for this computer itself.
    native: bool,
    /// Whether an experiment is on.
    experiment: bool,
}

/// What the toolchain runs on.
#[derive(Snapshot, Default)]
#[snapshot(name = "go.setup", scope = GO, every = week)]
struct Setup {
    /// The version of Go.
    #[field(version = ["1.21", "1.22", "1.23", "1.24", "1.25", "1.26", "1.27"], example = "1.26.1")]
    version: &'static str,
    /// The oldest version that a module of this week asked for.
    #[field(version = ["1.18", "1.20", "1.21", "1.22", "1.23", "1.24", "1.25", "1.26"], example = "1.24")]
    oldest_module: &'static str,
    /// Whether this computer could run the newest version.
    can_upgrade: bool,
    /// The operating system.
    #[field(vocabulary = ["linux", "darwin", "windows", "freebsd"], example = "linux")]
    os: &'static str,
    /// The kind of processor.
    #[field(vocabulary = ["amd64", "arm64"], example = "amd64")]
    arch: &'static str,
    /// Which experiments are on.
    #[field(exact, top = 1, reason = "on or off", example = 1)]
    #[map(keys = ["greenteagc", "jsonv2", "simd", "synctest", "rangefunc", "aliastypeparams", "runtimesecret"])]
    experiments: Vec<(&'static str, u64)>,
}

fn live(client: &Client) {
    client.record_durable(Week { since: Tenure });
    for editor in [Editor::Vscode, Editor::Vscode, Editor::Other] {
        client.record(STARTED.event(editor));
    }
    client.record(COMMAND.event("build"));
    client.record(REFACTORED.event("inline"));
    client.record(MCP.event("references"));
    client.record(OLD.event("gopath-mode"));
    client.record(CRASHED.event("gopls"));
    client.record(COMPLETED.event(std::time::Duration::from_millis(120)));
    client.record(Built { os: "linux", arch: "riscv64", native: false, experiment: true });
    client.record_snapshot(Setup {
        version: "1.26.1",
        oldest_module: "1.24",
        can_upgrade: true,
        os: "linux",
        arch: "amd64",
        experiments: vec![("jsonv2", 1), ("maries-patch", 1)],
    });
}

pub(crate) const PROGRAM: Program = Program {
    name: "Go toolchain",
    scopes: &[GO],
    live,
    arrives: &[
        "go.week 0",
        "go.editor vscode",
        "go.editor other",
        "go.command build",
        "go.mcp references",
        "go.crashed gopls",
        "go.completed 96",
        "go.built linux riscv64 false true",
        "go.setup.version 1.26",
        "go.setup.experiments jsonv2 1",
    ],
    budgets: &[(450, 4)],
    questions: QUESTIONS,
};

const QUESTIONS: crate::program::Questions = &[
    ("Which editors?", By(&[("go.editor", "editor")])),
    ("Which versions of Go do modules ask for?", By(&[("go.setup", "version"), ("go.setup", "oldest_module")])),
    ("Did better refactorings raise their use?", By(&[("go.refactored", "how"), ("go.week", "")])),
    ("Can old code go?", By(&[("go.old", "code"), ("go.week", "")])),
    ("Do assistants use the tools, and which?", By(&[("go.mcp", "tool")])),
    ("Which share could upgrade?", By(&[("go.setup", "can_upgrade"), ("go.setup", "os")])),
    (
        "Where do the tools crash?",
        Not(Why::Text, "a stack is text of any length; that a tool crashed is counted (`go.crashed`)"),
    ),
    ("Which ports and experiments?", By(&[("go.built", "os"), ("go.built", "arch"), ("go.setup", "experiments")])),
];
