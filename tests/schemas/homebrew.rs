//! Homebrew, a package manager: an event for each install and command, without any id, on after a first notice.

use crate::program::{Answer::*, Program, Why};
use candor::{Client, Event};

candor::scope! {
    /// Find out which packages are installed and which of them fail, so that those are repaired first.
    pub PACKAGES = "homebrew.packages" {
        title: "Packages", revision: 1, about: installation, retention: 365 days, benefit: "Packages that install",
        other_uses: none,
    }
    /// Find out which commands, settings and systems are used, so that the others need not be kept.
    pub COMMANDS = "homebrew.commands" {
        title: "Commands and settings", revision: 1, about: installation, retention: 365 days,
        benefit: "The commands that you use are kept", other_uses: none,
    }
}

/// A package of a public tap was installed.
#[derive(Event)]
#[event(name = "homebrew.installed", scope = PACKAGES, linkage = rollup)]
struct Installed {
    /// Which package. A package that is not on the published list is `other`.
    #[field(vocabulary = [
"abseil", "automake", "awscli", "bat", "boost", "brotli", "ca-certificates", "cairo", "cmake", "curl", "docker", "eza", "fd",
        "ffmpeg", "fontconfig", "freetype", "fzf", "gcc", "gettext", "gh", "git", "glib", "gmp", "gnupg", "gnutls", "go",
        "harfbuzz", "helm", "htop", "icu4c", "jpeg-turbo", "jq", "kubernetes-cli", "libpng", "libtiff", "llvm", "lz4", "mysql",
        "ncurses", "neovim", "node", "openjdk", "openssl", "pcre2", "pkgconf", "postgresql", "protobuf", "pyenv", "python",
        "readline", "redis", "ripgrep", "ruby", "rust", "sqlite", "tmux", "tree", "uv", "wget", "xz", "yarn", "zlib",
        "zstd"], example = "jq")]
    package: &'static str,
    /// Whether you asked for it, or another package needs it.
    requested: bool,
    /// Whether it was built or poured, or failed to build.
    #[field(vocabulary = ["poured", "built", "failed"], example = "poured")]
    how: &'static str,
}

/// A command was run.
#[derive(Event)]
#[event(name = "homebrew.command", scope = COMMANDS, linkage = rollup)]
struct Command {
    /// Which command.
    #[field(vocabulary = [
        "install", "uninstall", "upgrade", "update", "list", "info", "search", "outdated", "cleanup", "doctor", "services",
        "bundle", "tap", "untap", "config", "deps", "uses", "leaves", "pin", "unpin", "link", "unlink", "reinstall", "fetch",
        "audit", "test", "style", "edit", "create", "autoremove"], example = "install")]
    command: &'static str,
    /// Whether on a build server.
    ci: bool,
    /// Whether for the work on Homebrew itself.
    developer: bool,
    /// Whether it succeeded.
    succeeded: bool,
}

/// A command was run with this flag.
#[derive(Event)]
#[event(name = "homebrew.flag", scope = COMMANDS, linkage = rollup)]
struct Flag {
    /// Which command.
    #[field(vocabulary = ["install", "uninstall", "upgrade", "update", "list", "info", "bundle", "services",
        "cleanup"], example = "install")]
    command: &'static str,
    /// Which flag. Its value is not told.
    #[field(vocabulary = [
        "cask", "formula", "force", "verbose", "debug", "quiet", "dry-run", "build-from-source", "head", "overwrite", "zap",
        "greedy", "json", "versions", "all", "file", "no-quarantine", "ignore-dependencies", "keep-tmp"], example = "cask")]
    flag: &'static str,
}

/// Homebrew was used in this week. One setting is drawn at random and told.
#[derive(Event)]
#[event(name = "homebrew.setting", scope = COMMANDS, once = week, values = first)]
struct Setting {
    /// Which setting was drawn.
    #[field(vocabulary = [
        "api_domain", "artifact_domain", "auto_update_secs", "autoremove", "bat", "bootsnap", "bottle_domain", "brew_git_remote",
        "browser", "bundle_file", "cache", "cask_opts", "cleanup_max_age_days", "color", "core_git_remote", "curl_retries",
        "curlrc", "debug", "developer", "display", "editor", "forbidden_casks", "forbidden_formulae", "force_brewed_curl",
        "force_brewed_git", "git_path", "github_api_token", "http_proxy", "livecheck_watchlist", "logs", "make_jobs",
        "no_analytics", "no_auto_update", "no_bootsnap", "no_cleanup", "no_color", "no_emoji", "no_env_hints",
        "no_install_cleanup",
        "no_install_upgrade", "no_install_from_api", "pry", "simulate_macos", "skip_or_later", "sorbet_runtime", "ssh_config",
        "sudo_through_user", "svn", "temp", "update_to_tag", "upgrade_greedy", "verbose"], example = "no_auto_update")]
    setting: &'static str,
    /// Whether it is as it came.
    #[field(vocabulary = ["unset", "default", "changed"], example = "unset")]
    state: &'static str,
}

/// Homebrew was used in this month, on this system.
#[derive(Event)]
#[event(name = "homebrew.system", scope = PACKAGES, once = month, values = last)]
struct System {
    /// The release of the system.
    #[field(vocabulary = ["macos-13", "macos-14", "macos-15", "macos-26", "ubuntu-22.04", "ubuntu-24.04",
        "debian-12", "fedora"], example = "macos-15")]
    os: &'static str,
    /// The kind of processor.
    #[field(vocabulary = ["arm64", "x86_64"], example = "arm64")]
    arch: &'static str,
    /// Whether it is in the usual folder.
    default_prefix: bool,
    /// Whether in Windows' Linux.
    wsl: bool,
}

fn live(client: &Client) {
    for package in ["jq", "jq", "acme-internal-tool"] {
        client.record(Installed { package, requested: true, how: "poured" });
    }
    client.record(Installed { package: "openssl", requested: false, how: "failed" });
    client.record(Command { command: "install", ci: false, developer: false, succeeded: true });
    client.record(Flag { command: "install", flag: "build-from-source" });
    client.record_durable(Setting { setting: "no_auto_update", state: "changed" });
    client.record_durable(System { os: "macos-15", arch: "arm64", default_prefix: true, wsl: false });
}

pub(crate) const PROGRAM: Program = Program {
    name: "Homebrew",
    scopes: &[PACKAGES, COMMANDS],
    live,
    arrives: &[
        "homebrew.installed jq true poured",
        "homebrew.installed other true poured",
        "homebrew.installed openssl false failed",
        "homebrew.command install false false true",
        "homebrew.flag install build-from-source",
        "homebrew.setting no_auto_update changed",
        "homebrew.system macos-15 arm64 true false",
    ],
    budgets: &[(108, 1), (212, 1)],
    questions: QUESTIONS,
};

const QUESTIONS: crate::program::Questions = &[
    (
        "Which packages are used, and which fail?",
        Partly(
            &[("homebrew.installed", "package"), ("homebrew.installed", "how")],
            Why::Names,
            "a list has 64 words, so 63 packages are told and thousands are `other`",
        ),
    ),
    ("Which releases of the system must be supported?", By(&[("homebrew.system", "os"), ("homebrew.system", "arch")])),
    ("Which commands and flags are used?", By(&[("homebrew.command", "command"), ("homebrew.flag", "flag")])),
    ("Is a feature worth its upkeep?", By(&[("homebrew.flag", "flag"), ("homebrew.command", "command")])),
    ("Which settings do people really change?", By(&[("homebrew.setting", "setting"), ("homebrew.setting", "state")])),
    ("Asked for, or needed by another package?", By(&[("homebrew.installed", "requested")])),
    ("Which share is on build servers?", By(&[("homebrew.command", "ci")])),
    ("Which share is in Windows' Linux?", By(&[("homebrew.system", "wsl")])),
];
