//! Whether Lambda can load a binary: its processor, its loader, the libraries and their versions that it asks for.
//!
//! `provided.al2023` is Amazon Linux 2023 with glibc 2.34 and GCC 11's runtime, and little else:
//! <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html>. A binary that asks for more is built without a
//! complaint, and ends at its first start in the cloud; here it is refused, with the symbol that asks.

use std::fmt;

use cfn::constructs::Architecture;
use object::{
    Endianness,
    elf::{self, EM_AARCH64, EM_X86_64, ET_DYN, ET_EXEC, FileHeader64, VER_FLG_WEAK},
    read::elf::{FileHeader, ProgramHeader, SectionTable, Sym, VersionTable},
};

/// The newest versions that the runtime's libraries have.
const GLIBC: Version = Version(2, 34);
const GCC: Version = Version(11, 0);

/// The libraries that the runtime has for any function: glibc's parts and GCC's runtime.
const LIBRARIES: [&str; 6] = ["libc.so.6", "libm.so.6", "libgcc_s.so.1", "libdl.so.2", "libpthread.so.0", "librt.so.1"];

/// Why Lambda could not load a binary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unloadable {
    /// Not a program for Linux at all.
    NoProgram(String),
    /// Made for another processor.
    OtherProcessor(String),
    /// Asks for a loader that the runtime does not have where it is looked for.
    OtherLoader(String),
    /// Asks for a library that the runtime does not have.
    ForeignLibrary { library: String, symbol: Option<String> },
    /// Asks for a newer library than the runtime has.
    NewerLibrary { library: String, version: String, symbol: Option<String> },
}

impl fmt::Display for Unloadable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |symbol: &Option<String>| symbol.as_ref().map_or(String::new(), |symbol| format!("{symbol} of "));
        match self {
            Self::NoProgram(why) => write!(out, "is no program for 64-bit Linux: {why}"),
            Self::OtherProcessor(which) => write!(out, "is made for {which}"),
            Self::OtherLoader(loader) => {
                write!(out, "is started by {loader}, which Lambda's provided.al2023 does not have")
            }
            Self::ForeignLibrary { library, symbol } => {
                write!(out, "needs {}{library}, which Lambda's provided.al2023 does not have", of(symbol))
            }
            Self::NewerLibrary { library, version, symbol } => {
                let (symbol, has) = (of(symbol), if version.starts_with("GCC_") { "GCC 11's" } else { "glibc 2.34's" });
                write!(out, "needs {symbol}{library} with {version}, and Lambda's provided.al2023 has {has}")
            }
        }
    }
}

/// The first two numbers of a library's version, such as of `GLIBC_2.34`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Version(u32, u32);

impl Version {
    /// Reads `2.34` or `4.2.0`.
    fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split('.').map(str::parse);
        let (first, second) = (numbers.next()?.ok()?, numbers.next().unwrap_or(Ok(0)).ok()?);
        numbers.all(|number| number.is_ok()).then_some(Self(first, second))
    }
}

/// Checks what a binary asks for.
///
/// # Errors
/// The first thing that Lambda could not give.
pub(super) fn check(binary: &[u8], architecture: Architecture) -> Result<(), Unloadable> {
    let header = FileHeader64::<Endianness>::parse(binary).map_err(damaged)?;
    let endian = header.endian().map_err(damaged)?;
    check_header(header, endian, architecture)?;
    for segment in header.program_headers(endian, binary).map_err(damaged)? {
        if let Some(loader) = segment.interpreter(endian, binary).map_err(damaged)? {
            check_loader(&String::from_utf8_lossy(loader), architecture)?;
        }
    }
    let sections = header.sections(endian, binary).map_err(damaged)?;
    check_libraries(binary, endian, &sections, architecture)
}

fn check_header(
    header: &FileHeader64<Endianness>,
    endian: Endianness,
    architecture: Architecture,
) -> Result<(), Unloadable> {
    let kind = header.e_type(endian);
    if kind != ET_EXEC && kind != ET_DYN {
        return Err(Unloadable::NoProgram("it was not linked".to_owned()));
    }
    let found = match (header.e_machine(endian), endian) {
        (EM_X86_64, _) => Some(Architecture::X86_64),
        (EM_AARCH64, Endianness::Little) => Some(Architecture::Arm64),
        _ => None,
    };
    match found {
        Some(found) if found == architecture => Ok(()),
        Some(found) => Err(Unloadable::OtherProcessor(super::word(found).to_owned())),
        None => Err(Unloadable::OtherProcessor(format!("ELF's processor {}", header.e_machine(endian).0))),
    }
}

/// Where the psABI of each processor has the loader.
fn check_loader(loader: &str, architecture: Architecture) -> Result<(), Unloadable> {
    let wanted = match architecture {
        Architecture::X86_64 => "/lib64/ld-linux-x86-64.so.2",
        Architecture::Arm64 => "/lib/ld-linux-aarch64.so.1",
    };
    if loader == wanted { Ok(()) } else { Err(Unloadable::OtherLoader(loader.to_owned())) }
}

fn check_libraries(
    binary: &[u8],
    endian: Endianness,
    sections: &SectionTable<'_, FileHeader64<Endianness>>,
    architecture: Architecture,
) -> Result<(), Unloadable> {
    let imports = Imports::read(binary, endian, sections)?;
    let dynamic = sections.dynamic_table(endian, binary).map_err(damaged)?;
    for entry in dynamic.iter().filter(|entry| entry.tag == elf::DT_NEEDED) {
        let library = String::from_utf8_lossy(dynamic.string(entry).map_err(damaged)?).into_owned();
        let known = LIBRARIES.contains(&library.as_str()) || check_loader_library(&library, architecture);
        if !known {
            let symbol = imports.asking(|asked| asked.library == library);
            return Err(Unloadable::ForeignLibrary { library, symbol });
        }
    }
    let Some((mut needs, link)) = sections.gnu_verneed(endian, binary).map_err(damaged)? else { return Ok(()) };
    let strings = sections.strings(endian, binary, link).map_err(damaged)?;
    while let Some((need, mut versions)) = needs.next().map_err(damaged)? {
        let library = String::from_utf8_lossy(need.file(endian, strings).map_err(damaged)?).into_owned();
        while let Some(asked) = versions.next().map_err(damaged)? {
            let version = String::from_utf8_lossy(asked.name(endian, strings).map_err(damaged)?).into_owned();
            // The loader goes on without a version that is asked for weakly; so does whoever asks.
            if !asked.vna_flags.get(endian).contains(VER_FLG_WEAK) && !has(&version) {
                let symbol = imports.asking(|asked| asked.library == library && asked.version == version);
                return Err(Unloadable::NewerLibrary { library, version, symbol });
            }
        }
    }
    Ok(())
}

/// The loader is a library too.
fn check_loader_library(library: &str, architecture: Architecture) -> bool {
    check_loader(&format!("/lib64/{library}"), architecture).is_ok()
        || check_loader(&format!("/lib/{library}"), architecture).is_ok()
}

/// Whether the runtime's libraries have a version. What is neither glibc's nor GCC's is a foreign library's.
fn has(version: &str) -> bool {
    let newest = [("GLIBC_", GLIBC), ("GCC_", GCC)];
    let known = newest.iter().find_map(|(prefix, newest)| Some((version.strip_prefix(prefix)?, newest)));
    known.is_some_and(|(number, newest)| Version::parse(number).is_some_and(|number| number <= *newest))
}

/// What a binary asks other libraries for.
struct Imports(Vec<Import>);

struct Import {
    library: String,
    version: String,
    symbol: String,
}

impl Imports {
    fn read(
        binary: &[u8],
        endian: Endianness,
        sections: &SectionTable<'_, FileHeader64<Endianness>>,
    ) -> Result<Self, Unloadable> {
        let symbols = sections.symbols(endian, binary, elf::SHT_DYNSYM).map_err(damaged)?;
        let versions: Option<VersionTable<'_, _>> = sections.versions(endian, binary).map_err(damaged)?;
        let (Some(versions), strings) = (versions, symbols.strings()) else { return Ok(Self(Vec::new())) };
        let mut imports = Vec::new();
        for (index, symbol) in symbols.enumerate().filter(|(_, symbol)| symbol.is_undefined(endian)) {
            let version = versions.version(versions.version_index(endian, index).index()).map_err(damaged)?;
            if let Some(version) = version {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                imports.push(Import {
                    library: text(version.file().unwrap_or_default()),
                    version: text(version.name()),
                    symbol: text(symbol.name(endian, strings).map_err(damaged)?),
                });
            }
        }
        Ok(Self(imports))
    }

    fn asking(&self, what: impl Fn(&Import) -> bool) -> Option<String> {
        self.0.iter().find(|import| what(import)).map(|import| import.symbol.clone())
    }
}

fn damaged(error: object::Error) -> Unloadable {
    Unloadable::NoProgram(error.to_string())
}

#[cfg(test)]
mod tests {
    use object::build::elf::{Builder, Dynamic, SectionData, VersionData, VersionNeed};

    use super::*;

    /// A symbol, its library, its version, and whether it is asked for weakly.
    type Asked = (&'static str, &'static str, &'static str, bool);

    /// A program that asks for these libraries and symbols, as a linker would write it.
    fn program(machine: elf::Machine, libraries: &[&'static str], asked: &[Asked]) -> Vec<u8> {
        let mut builder = Builder::new(Endianness::Little, true);
        builder.header.e_type = ET_DYN;
        builder.header.e_machine = machine;
        builder.header.e_phoff = 0x40;
        for (symbol, library, version, weak) in asked {
            let file = builder.version_files.add(library.as_bytes().into());
            let flags = if *weak { VER_FLG_WEAK } else { elf::VersionFlags::default() };
            let need = VersionNeed { file, name: version.as_bytes().into(), flags };
            let version = builder.versions.add(VersionData::Need(need));
            let import = builder.dynamic_symbols.add();
            import.name = symbol.as_bytes().into();
            import.set_st_info(if *weak { elf::STB_WEAK } else { elf::STB_GLOBAL }, elf::STT_FUNC);
            import.version = version;
        }
        let needed =
            libraries.iter().map(|library| Dynamic::String { tag: elf::DT_NEEDED, val: library.as_bytes().into() });
        let tables = [
            (".dynsym", elf::SHT_DYNSYM, SectionData::DynamicSymbol),
            (".dynstr", elf::SHT_STRTAB, SectionData::DynamicString),
            (".gnu.version", elf::SHT_GNU_VERSYM, SectionData::GnuVersym),
            (".gnu.version_r", elf::SHT_GNU_VERNEED, SectionData::GnuVerneed),
            (".dynamic", elf::SHT_DYNAMIC, SectionData::Dynamic(needed.collect())),
        ];
        let mut ids = Vec::new();
        for (name, kind, data) in tables {
            let section = builder.sections.add();
            section.name = name.as_bytes().into();
            section.sh_type = kind;
            section.sh_flags = elf::SHF_ALLOC;
            section.sh_addralign = 8;
            section.data = data;
            ids.push(section.id());
        }
        let names = builder.sections.add();
        names.name = b".shstrtab"[..].into();
        names.sh_type = elf::SHT_STRTAB;
        names.data = SectionData::SectionString;
        for id in &ids {
            builder.sections.get_mut(*id).sh_link_section = match builder.sections.get(*id).sh_type {
                // The versions are those of the symbols; everything else takes its texts from the strings.
                elf::SHT_GNU_VERSYM => Some(ids[0]),
                elf::SHT_STRTAB => None,
                _ => Some(ids[1]),
            };
        }
        builder.set_section_sizes();
        let segment = builder.segments.add();
        segment.p_type = elf::PT_LOAD;
        segment.p_flags = elf::PF_R;
        segment.p_align = 8;
        // The header, and this segment's own.
        segment.p_filesz = 0x78;
        segment.p_memsz = 0x78;
        for id in ids {
            segment.append_section(builder.sections.get_mut(id));
        }
        let mut bytes = Vec::new();
        builder.write(&mut bytes).unwrap();
        bytes
    }

    fn refusal(binary: &[u8]) -> String {
        check(binary, Architecture::X86_64).unwrap_err().to_string()
    }

    #[test]
    fn what_the_runtime_has_is_loaded() {
        let libraries = ["libc.so.6", "libm.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2"];
        let asked = [
            ("memcpy", "libc.so.6", "GLIBC_2.14", false),
            ("pthread_create", "libc.so.6", "GLIBC_2.34", false),
            ("_Unwind_Resume", "libgcc_s.so.1", "GCC_3.0", false),
            ("_Unwind_GetIPInfo", "libgcc_s.so.1", "GCC_4.2.0", false),
        ];
        assert_eq!(check(&program(EM_X86_64, &libraries, &asked), Architecture::X86_64), Ok(()));
        assert_eq!(check(&program(EM_X86_64, &[], &[]), Architecture::X86_64), Ok(()), "linked statically");
        let arm = ["libc.so.6", "ld-linux-aarch64.so.1"];
        assert_eq!(check(&program(EM_AARCH64, &arm, &[]), Architecture::Arm64), Ok(()));
    }

    #[test]
    fn another_processor_is_refused() {
        assert_eq!(refusal(&program(EM_AARCH64, &[], &[])), "is made for arm64");
        assert_eq!(
            check(&program(EM_X86_64, &[], &[]), Architecture::Arm64).unwrap_err().to_string(),
            "is made for x86_64"
        );
        assert_eq!(refusal(&program(elf::EM_RISCV, &[], &[])), "is made for ELF's processor 243");
    }

    #[test]
    fn a_newer_glibc_is_refused_with_the_symbol_that_asks_for_it() {
        let newer = [("memcpy", "libc.so.6", "GLIBC_2.14", false), ("arc4random", "libc.so.6", "GLIBC_2.36", false)];
        assert_eq!(
            refusal(&program(EM_X86_64, &["libc.so.6"], &newer)),
            "needs arc4random of libc.so.6 with GLIBC_2.36, and Lambda's provided.al2023 has glibc 2.34's"
        );
        // Relocations packed as only glibc 2.36 and later read them: a version that is no number, and no symbol's.
        let packed = [("memcpy", "libc.so.6", "GLIBC_ABI_DT_RELR", false)];
        assert!(refusal(&program(EM_X86_64, &["libc.so.6"], &packed)).contains("GLIBC_ABI_DT_RELR"));
        let gcc = [("__truncsfbf2", "libgcc_s.so.1", "GCC_13.0.0", false)];
        assert_eq!(
            refusal(&program(EM_X86_64, &["libgcc_s.so.1"], &gcc)),
            "needs __truncsfbf2 of libgcc_s.so.1 with GCC_13.0.0, and Lambda's provided.al2023 has GCC 11's"
        );
    }

    #[test]
    fn what_is_asked_for_weakly_may_be_missing() {
        let weak = [("pidfd_spawnp", "libc.so.6", "GLIBC_2.39", true)];
        assert_eq!(check(&program(EM_X86_64, &["libc.so.6"], &weak), Architecture::X86_64), Ok(()));
    }

    #[test]
    fn a_foreign_library_is_refused_with_a_symbol_where_one_says_that_it_is_from_there() {
        let asked = [("SSL_new", "libssl.so.3", "OPENSSL_3.0.0", false)];
        assert_eq!(
            refusal(&program(EM_X86_64, &["libc.so.6", "libssl.so.3"], &asked)),
            "needs SSL_new of libssl.so.3, which Lambda's provided.al2023 does not have"
        );
        assert_eq!(
            refusal(&program(EM_X86_64, &["libz.so.1"], &[])),
            "needs libz.so.1, which Lambda's provided.al2023 does not have"
        );
    }

    #[test]
    fn only_the_processors_own_loader_is_there() {
        assert_eq!(check_loader("/lib64/ld-linux-x86-64.so.2", Architecture::X86_64), Ok(()));
        let nix = "/nix/store/0a-glibc-2.38/lib/ld-linux-x86-64.so.2";
        let refused = check_loader(nix, Architecture::X86_64).unwrap_err().to_string();
        assert_eq!(refused, format!("is started by {nix}, which Lambda's provided.al2023 does not have"));
        assert!(check_loader("/lib/ld-musl-aarch64.so.1", Architecture::Arm64).is_err());
    }

    #[test]
    fn what_is_no_program_is_refused_and_never_panics() {
        for bytes in [&b""[..], b"#!/bin/sh\nexit 0\n", b"\x7fELF", b"\x7fELF\x01\x01\x01"] {
            assert!(refusal(bytes).starts_with("is no program for 64-bit Linux: "), "{bytes:?}");
        }
        let asked = [("memcpy", "libc.so.6", "GLIBC_2.14", false)];
        let whole = program(EM_X86_64, &["libc.so.6"], &asked);
        for end in 0..whole.len() {
            let _refused_or_not = check(&whole[..end], Architecture::X86_64);
        }
        for at in 0..whole.len() {
            let mut bent = whole.clone();
            bent[at] ^= 0xff;
            let _refused_or_not = check(&bent, Architecture::X86_64);
        }
    }

    /// This very program runs here, so it asks for nothing that is not here; what it asks for can be read.
    #[test]
    #[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
    fn a_linkers_own_work_is_read() {
        let this = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let header = FileHeader64::<Endianness>::parse(&*this).unwrap();
        let endian = header.endian().unwrap();
        let sections = header.sections(endian, &*this).unwrap();
        let imports = Imports::read(&this, endian, &sections).unwrap();
        assert!(imports.0.iter().any(|import| import.symbol == "memcpy" && import.library == "libc.so.6"));
    }
}
