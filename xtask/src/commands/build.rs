//! `build`: the functions as Lambda takes them, `target/lambda/<function>.zip`; the same bytes for the same source.

pub mod archive;
mod loadable;
pub mod manifest;
pub(crate) mod toolchain;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    thread,
};

use aws_lc_rs::digest;
use cfn::constructs::Architecture;
use contract::functions::ALL;

use crate::{
    cargo,
    cli::{Build, OutputFormat},
    context::{Context, write_whole},
    report::{Failure, print},
};
use manifest::{Manifest, Packed};
use toolchain::{Route, Toolchain};

/// The folder of the zips, in the project.
pub(crate) const FOLDER: &str = "target/lambda";

/// What `build` left: the folder of the zips, and what is in it.
pub struct Built {
    /// The folder of the zips.
    pub folder: PathBuf,
    /// The folder of the binaries that were packed.
    pub binaries: PathBuf,
    /// The zips with their hashes and sizes.
    pub manifest: Manifest,
    /// The functions whose zips were there already.
    unchanged: BTreeSet<&'static str>,
}

pub(crate) fn run(context: &Context, options: &Build) -> Result<(), Failure> {
    let architecture = match (&options.env, options.arch) {
        (Some(name), _) => context.environment(name)?.architecture,
        (None, Some(architecture)) => architecture.into(),
        (None, None) => this_machine()?,
    };
    let built = pack(context, architecture, options.binaries.as_deref())?;
    print(match options.format {
        OutputFormat::Json => built.manifest.to_json()?,
        OutputFormat::Text => built.text(context),
    })
}

/// Builds the handlers for a processor, or takes the binaries in a folder, and packs each that is not packed yet.
///
/// # Errors
/// When something lacks for building, the handlers do not compile, or Lambda could not load one of them.
pub fn pack(context: &Context, architecture: Architecture, binaries: Option<&Path>) -> Result<Built, Failure> {
    let (binaries, mend) = match binaries {
        Some(folder) if !folder.is_dir() => {
            let help = "name the folder that holds a binary for each function";
            return Err(Failure::new(format!("{} is no folder", folder.display())).help(help));
        }
        Some(folder) => (folder.to_owned(), "let `cargo xtask build` build it".to_owned()),
        None => {
            let toolchain = Toolchain::find()?;
            let route = toolchain.route(architecture)?;
            (compiled(context, &toolchain, route, architecture)?, route.mend())
        }
    };
    let folder = folder(context)?;
    let last = Manifest::last(&folder).filter(|last| last.architecture == architecture);
    let packed: Vec<_> = thread::scope(|scope| {
        let work = |function: &contract::functions::Description| {
            let last = last.as_ref().and_then(|last| last.functions.get(function.name)).cloned();
            let (name, binary, folder, mend) = (function.name, binaries.join(function.name), &folder, &mend);
            scope.spawn(move || pack_one(folder, name, &binary, architecture, last, mend))
        };
        let working: Vec<_> = ALL.iter().map(work).collect();
        working
            .into_iter()
            .map(|one| one.join().unwrap_or_else(|_| Err(Failure::new("packing a function failed"))))
            .collect()
    });
    let (mut functions, mut unchanged) = (BTreeMap::new(), BTreeSet::new());
    for (function, packed) in ALL.iter().zip(packed) {
        let (packed, as_before) = packed?;
        functions.insert(function.name.to_owned(), packed);
        unchanged.extend(as_before.then_some(function.name));
    }
    let manifest = Manifest { architecture, functions };
    remove_strangers(&folder, &manifest)?;
    write_whole(&folder.join(manifest::FILE), manifest.to_json()?)?;
    Ok(Built { folder, binaries, manifest, unchanged })
}

/// The processor of this machine.
///
/// # Errors
/// When Lambda has none like it.
pub fn this_machine() -> Result<Architecture, Failure> {
    Toolchain::find()?
        .architecture()
        .ok_or_else(|| Failure::new("Lambda has no processor like this machine's").help("choose one with --arch"))
}

/// AWS's word for a processor.
pub(crate) fn word(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::Arm64 => "arm64",
        Architecture::X86_64 => "x86_64",
    }
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    // Not `sha2`: without optimization it takes a second for ten megabytes.
    digest::digest(&digest::SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The folder of the zips. A link there could lead what is written anywhere.
fn folder(context: &Context) -> Result<PathBuf, Failure> {
    let folder = context.root.join(FOLDER);
    if folder.is_symlink() {
        return Err(Failure::new(format!("{} is a link", folder.display())).help("remove it; `build` makes the folder"));
    }
    fs::create_dir_all(&folder).map_err(Failure::from(format!("cannot make {}", folder.display())))?;
    Ok(folder)
}

/// Compiles the handlers as they are shipped; the folder of the binaries.
fn compiled(
    context: &Context,
    toolchain: &Toolchain,
    route: Route,
    architecture: Architecture,
) -> Result<PathBuf, Failure> {
    context.progress(&format!("building the handlers for {}", word(architecture)));
    let mut command = route.cargo();
    command.args(["--release", "--locked", "--package", "handlers", "--bins"]);
    // Flags of this machine's user would change the bytes, and so would the name of another target folder.
    command.env_remove("RUSTFLAGS").env("CARGO_ENCODED_RUSTFLAGS", toolchain.flags(&context.root)?);
    command.arg("--target-dir").arg(context.root.join("target"));
    let executables = cargo::executables(context, command, "handlers")?;
    cargo::folder_of(&executables, "handlers")
}

/// Packs one function, unless its zip is there as it would be made; whether it was.
fn pack_one(
    folder: &Path,
    name: &str,
    binary: &Path,
    architecture: Architecture,
    last: Option<Packed>,
    mend: &str,
) -> Result<(Packed, bool), Failure> {
    let bytes = read_file(binary)?;
    loadable::check(&bytes, architecture).map_err(|why| {
        Failure::new(format!("Lambda cannot run {name} on {}: it {why}", word(architecture))).help(mend)
    })?;
    let (file, binary_sha256) = (format!("{name}.zip"), sha256(&bytes));
    let path = folder.join(&file);
    if let Some(last) = last.filter(|last| last.file == file && last.binary_sha256 == binary_sha256)
        && read_file(&path).is_ok_and(|zip| sha256(&zip) == last.sha256)
    {
        return Ok((last, true));
    }
    let zip = archive::zip(&bytes).map_err(Failure::from(format!("cannot pack {name}")))?;
    write_whole(&path, &zip)?;
    let (size, binary_size) = (zip.len() as u64, bytes.len() as u64);
    Ok((Packed { file, size, sha256: sha256(&zip), binary_size, binary_sha256 }, false))
}

/// Reads a file that is one: what a link leads to may be anything by the time it is shipped.
fn read_file(file: &Path) -> Result<Vec<u8>, Failure> {
    let shown = file.display();
    let kind = fs::symlink_metadata(file).map_err(Failure::from(format!("cannot read {shown}")))?;
    if !kind.is_file() {
        return Err(
            Failure::new(format!("{shown} is no file")).help("a link or a folder is not packed: put the file there")
        );
    }
    fs::read(file).map_err(Failure::from(format!("cannot read {shown}")))
}

/// Removes zips that are no function's any more, so that nobody ships one.
fn remove_strangers(folder: &Path, manifest: &Manifest) -> Result<(), Failure> {
    let known: BTreeSet<_> = manifest.functions.values().map(|packed| packed.file.as_str()).collect();
    for entry in fs::read_dir(folder).map_err(Failure::from(format!("cannot list {}", folder.display())))?.flatten() {
        let name = entry.file_name();
        let zip = Path::new(&name).extension().is_some_and(|ending| ending == "zip");
        if zip && !name.to_str().is_some_and(|name| known.contains(name)) {
            fs::remove_file(entry.path())
                .map_err(Failure::from(format!("cannot remove {}", entry.path().display())))?;
        }
    }
    Ok(())
}

impl Built {
    fn text(&self, context: &Context) -> String {
        let width = self.manifest.functions.keys().map(String::len).max().unwrap_or_default();
        let lines = self.manifest.functions.iter().map(|(name, packed)| {
            let (size, zipped) = (megabytes(packed.binary_size), megabytes(packed.size));
            let sha256 = packed.sha256.get(..12).unwrap_or_default();
            let unchanged = if self.unchanged.contains(name.as_str()) { "  unchanged" } else { "" };
            format!("{name:<width$}  {size:>6.2} MB  zipped {zipped:>5.2} MB  {sha256}{unchanged}\n")
        });
        let folder = self.folder.strip_prefix(&context.root).unwrap_or(&self.folder);
        let architecture = word(self.manifest.architecture);
        format!("{}\n{}/{}, {architecture}\n", lines.collect::<String>(), folder.display(), manifest::FILE)
    }
}

/// The size in megabytes of a million bytes.
#[expect(clippy::cast_precision_loss, reason = "a file's size in megabytes needs no more digits")]
pub fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
