//! What compiles the functions: this machine's compiler where its result fits Lambda, zig's linker where it does not.
//!
//! Whatever lacks is said before anything is compiled, with the command that installs it.

use std::{
    ffi::OsString,
    fmt, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use cfn::constructs::Architecture;

use super::word;
use crate::report::Failure;

/// What the runtime has; `cargo-zigbuild` takes it behind the target's name.
const GLIBC: &str = "2.34";

/// Installs zig and what makes it a linker for cargo. Their versions were tried with this workspace.
const INSTALL_ZIG: &str = "pip install cargo-zigbuild==0.24.0 ziglang==0.17.0";

/// The compiler in use.
pub(crate) struct Toolchain {
    /// Such as `1.95.0`.
    pub(crate) release: String,
    /// The commit that the compiler is made of, where it tells.
    commit: String,
    /// This machine, such as `x86_64-unknown-linux-gnu`.
    pub(crate) host: String,
    sysroot: PathBuf,
}

/// How the functions are compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(super) target: &'static str,
    linker: Linker,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Linker {
    /// This machine's, against this machine's glibc.
    Native,
    /// zig's, against the runtime's glibc.
    Zig,
}

/// What is on this machine, as far as it decides the route.
#[derive(Clone, Copy, Debug)]
struct Found {
    /// This machine is of the wanted target.
    native: bool,
    /// This machine's glibc is not newer than the runtime's.
    glibc_fits: bool,
    standard_library: bool,
    zig: bool,
    c_compiler: bool,
}

impl Toolchain {
    /// Asks the compiler.
    ///
    /// # Errors
    /// When there is none, or it does not say what every compiler says.
    pub(crate) fn find() -> Result<Self, Failure> {
        let version = ask_rustc(&["-vV"])?;
        let field = |name: &str| {
            let line = version.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            line.map(str::to_owned).ok_or_else(|| {
                Failure::new(format!("rustc -vV does not say its {name}")).help("install Rust from https://rustup.rs")
            })
        };
        Ok(Self {
            release: field("release")?,
            commit: field("commit-hash")?,
            host: field("host")?,
            sysroot: ask_rustc(&["--print", "sysroot"])?.trim_end().into(),
        })
    }

    /// The processor of this machine, if Lambda has such.
    pub(crate) fn architecture(&self) -> Option<Architecture> {
        match self.host.split('-').next() {
            Some("x86_64") => Some(Architecture::X86_64),
            Some("aarch64") => Some(Architecture::Arm64),
            _ => None,
        }
    }

    /// Whether the compiler has its standard library for a target.
    fn has_standard_library(&self, target: &str) -> bool {
        self.sysroot.join("lib/rustlib").join(target).join("lib").is_dir()
    }

    /// How the functions are compiled for a processor.
    ///
    /// # Errors
    /// Names everything that lacks, and the commands that install it.
    pub(crate) fn route(&self, architecture: Architecture) -> Result<Route, Failure> {
        let target = target(architecture);
        let native = self.host == target;
        let found = Found {
            native,
            glibc_fits: native && glibc().is_some_and(|version| version <= (2, 34)),
            standard_library: self.has_standard_library(target),
            zig: has_zig(),
            c_compiler: has_c_compiler(),
        };
        let linker = choose(found, target, architecture)?;
        Ok(Route { target, linker })
    }

    /// Flags that keep this machine's folders out of the binaries: the same source has the same bytes in every clone.
    pub(super) fn flags(&self, root: &Path) -> Result<OsString, Failure> {
        let remap = |from: &Path, to: &str| {
            let mut flag = OsString::from("--remap-path-prefix=");
            flag.push(from);
            flag.push("=");
            flag.push(to);
            flag
        };
        // With its source installed, the standard library is where it lies; without, it is what comes behind `=` here.
        let library = self.sysroot.join("lib/rustlib/src/rust");
        let mut flags = vec![remap(&library, &format!("/rustc/{}", self.commit))];
        let registries = cargo_home()?.join("registry/src");
        let mut registries: Vec<_> = fs::read_dir(registries).into_iter().flatten().flatten().collect();
        registries.sort_by_key(fs::DirEntry::file_name);
        flags.extend(registries.iter().map(|registry| remap(&registry.path(), "/crates")));
        // Last, because the last that fits counts.
        flags.push(remap(root, "/service"));
        // How cargo takes flags that may hold spaces.
        Ok(flags.join(&OsString::from("\u{1f}")))
    }
}

impl Route {
    /// The cargo command that compiles, without what is compiled.
    pub(super) fn cargo(self) -> Command {
        let mut command = Command::new(crate::cargo::program());
        match self.linker {
            Linker::Native => command.args(["build", "--target", self.target]),
            Linker::Zig => command.args(["zigbuild", "--target", &format!("{}.{GLIBC}", self.target)]),
        };
        command
    }

    /// What can be done when Lambda cannot load the result.
    pub(super) fn mend(self) -> String {
        match self.linker {
            Linker::Native => {
                format!("{INSTALL_ZIG}; `build` then links against glibc {GLIBC}, whatever this machine has")
            }
            Linker::Zig => "leave out the dependency that asks for it".to_owned(),
        }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, linker } = self;
        match (linker, glibc()) {
            (Linker::Zig, _) => write!(out, "{target}, linked by zig against glibc {GLIBC}"),
            (Linker::Native, Some((major, minor))) => write!(out, "{target}, linked against glibc {major}.{minor}"),
            (Linker::Native, None) => write!(out, "{target}, linked by this machine's linker"),
        }
    }
}

/// The compiler's name for a processor, with the library that the runtime has.
fn target(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::X86_64 => "x86_64-unknown-linux-gnu",
        Architecture::Arm64 => "aarch64-unknown-linux-gnu",
    }
}

fn choose(found: Found, target: &str, architecture: Architecture) -> Result<Linker, Failure> {
    let fits = found.native && found.glibc_fits;
    // Without zig, a newer glibc of this machine may do: what the binaries ask it for is looked at once they are there.
    let linker = if !fits && (found.zig || !found.native) { Linker::Zig } else { Linker::Native };
    let mut lacks = Vec::new();
    if !found.standard_library {
        lacks.push((format!("Rust's standard library for {target}"), install_standard_library(target)));
    }
    match linker {
        Linker::Zig if !found.zig => lacks.push(("a linker for it".to_owned(), INSTALL_ZIG.to_owned())),
        Linker::Native if !found.c_compiler => lacks.push(("a C compiler".to_owned(), INSTALL_CC.to_owned())),
        _ => {}
    }
    if lacks.is_empty() {
        return Ok(linker);
    }
    let (what, commands): (Vec<_>, Vec<_>) = lacks.into_iter().unzip();
    let (what, architecture) = (what.join(" and "), word(architecture));
    let failure = Failure::new(format!("this machine cannot build the functions for {architecture}: it lacks {what}"));
    Err(failure.help(commands.join("\n        ")))
}

/// Installs a C compiler, on Debian and its relatives.
pub(crate) const INSTALL_CC: &str = "apt-get install gcc libc6-dev";

/// Installs the standard library for a target.
fn install_standard_library(target: &str) -> String {
    format!("rustup target add {target}")
}

/// Whether there is a C compiler; some crates are C, and it links.
pub(crate) fn has_c_compiler() -> bool {
    answers(Command::new("cc").arg("--version"))
}

/// Whether `cargo zigbuild` is there with a zig that it finds.
fn has_zig() -> bool {
    answers(Command::new("cargo-zigbuild").arg("--version"))
        && (answers(Command::new("zig").arg("version"))
            || answers(Command::new("python3").args(["-m", "ziglang", "version"])))
}

fn answers(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).output().is_ok_and(|output| output.status.success())
}

/// This machine's glibc; none where it has another C library.
fn glibc() -> Option<(u32, u32)> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").stdin(Stdio::null()).output().ok()?;
    parse_glibc(&String::from_utf8(output.stdout).ok()?)
}

/// Reads `glibc 2.36`.
fn parse_glibc(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.trim_end().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Where cargo keeps the crates' source.
fn cargo_home() -> Result<PathBuf, Failure> {
    let home = || std::env::home_dir().map(|home| home.join(".cargo"));
    std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(home).ok_or_else(|| {
        Failure::new("where cargo keeps its files cannot be told: there is no home folder").help("set CARGO_HOME")
    })
}

fn ask_rustc(arguments: &[&str]) -> Result<String, Failure> {
    let program = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|error| {
        Failure::new(format!("cannot start rustc: {error}")).help("install Rust from https://rustup.rs")
    })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(Failure::new(format!("rustc {} failed: {said}", arguments.join(" "))));
    }
    String::from_utf8(output.stdout).map_err(Failure::from("rustc says what is no text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Found = Found { native: true, glibc_fits: true, standard_library: true, zig: true, c_compiler: true };

    fn chosen(found: Found) -> Result<Linker, String> {
        choose(found, "aarch64-unknown-linux-gnu", Architecture::Arm64).map_err(|failure| format!("{failure:?}"))
    }

    #[test]
    fn this_machines_own_linker_is_used_where_its_glibc_fits_or_nothing_else_is_there() {
        assert_eq!(chosen(ALL), Ok(Linker::Native));
        assert_eq!(chosen(Found { glibc_fits: false, ..ALL }), Ok(Linker::Zig));
        assert_eq!(chosen(Found { glibc_fits: false, zig: false, ..ALL }), Ok(Linker::Native));
        assert_eq!(chosen(Found { native: false, glibc_fits: false, c_compiler: false, ..ALL }), Ok(Linker::Zig));
    }

    #[test]
    fn everything_that_lacks_is_named_with_the_commands_that_install_it() {
        let bare = Found { native: false, glibc_fits: false, standard_library: false, zig: false, c_compiler: false };
        let said = chosen(bare).unwrap_err();
        assert!(said.contains("Rust's standard library for aarch64-unknown-linux-gnu and a linker for it"), "{said}");
        assert!(said.contains("rustup target add aarch64-unknown-linux-gnu") && said.contains(INSTALL_ZIG), "{said}");
        let said = chosen(Found { c_compiler: false, ..ALL }).unwrap_err();
        assert!(said.contains("a C compiler") && said.contains(INSTALL_CC), "{said}");
    }

    #[test]
    fn the_version_of_glibc_is_read() {
        assert_eq!(parse_glibc("glibc 2.36\n"), Some((2, 36)));
        assert_eq!(parse_glibc("glibc 2.9\n"), Some((2, 9)));
        assert_eq!(parse_glibc("musl 1.2"), None);
        assert!((2, 9) < (2, 34), "numbers, not text");
    }

    #[test]
    fn every_folder_of_this_machine_has_another_name() {
        let toolchain = Toolchain::find().unwrap();
        let flags = toolchain.flags(Path::new("/home/ann/my clone")).unwrap().into_string().unwrap();
        let flags: Vec<_> = flags.split('\u{1f}').collect();
        assert_eq!(flags.last(), Some(&"--remap-path-prefix=/home/ann/my clone=/service"));
        assert!(flags.iter().any(|flag| flag.ends_with("=/crates")), "{flags:?}");
        assert!(flags.first().unwrap().contains("lib/rustlib/src/rust=/rustc/"), "{flags:?}");
    }
}
