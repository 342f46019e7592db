//! What Linux knows of processes: their family, processor time and memory. Elsewhere there is nothing to read.

use std::{fs, path::Path};

/// A process that runs.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    pub(crate) id: u32,
    pub(crate) parent: u32,
    /// The name of its executable's file.
    pub(crate) name: String,
    /// Processor time of its threads, in milliseconds.
    pub(crate) cpu_ms: f64,
    /// Resident memory, in MiB.
    pub(crate) resident_mib: f64,
    /// What of it is not the program's file, which is given back whenever another process needs the room.
    pub(crate) anonymous_mib: f64,
}

/// All that may be looked at.
pub(crate) fn all() -> Vec<Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| read(&entry.path(), entry.file_name().to_str()?.parse().ok()?)).collect()
}

/// A process with all that it started and they started.
pub(crate) fn family(id: u32) -> Vec<Process> {
    let mut others = all();
    let mut family: Vec<Process> = others.extract_if(.., |process| process.id == id).collect();
    loop {
        let known: Vec<u32> = family.iter().map(|process| process.id).collect();
        let before = family.len();
        family.extend(others.extract_if(.., |process| known.contains(&process.parent)));
        if family.len() == before {
            return family;
        }
    }
}

fn read(folder: &Path, id: u32) -> Option<Process> {
    let status = fs::read_to_string(folder.join("status")).ok()?;
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let parent = field("PPid:")?.parse().ok()?;
    let mib = |name: &str| Some(field(name)?.split_whitespace().next()?.parse::<f64>().ok()? / 1024.0);
    let name = fs::read_link(folder.join("exe")).ok()?.file_name()?.to_str()?.to_owned();
    let (resident_mib, anonymous_mib) = (mib("VmRSS:")?, mib("RssAnon:")?);
    Some(Process { id, parent, name, cpu_ms: cpu_ms(folder)?, resident_mib, anonymous_mib })
}

/// Each thread has its own time; that of threads that ended is not among them.
fn cpu_ms(folder: &Path) -> Option<f64> {
    let threads = fs::read_dir(folder.join("task")).ok()?.flatten();
    let times = threads.filter_map(|thread| fs::read_to_string(thread.path().join("schedstat")).ok());
    let nanoseconds: f64 = times.filter_map(|text| text.split_whitespace().next()?.parse::<f64>().ok()).sum();
    Some(nanoseconds / 1e6)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_family_is_a_process_and_what_it_started() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let family = family(std::process::id());
        let own = family.iter().find(|process| process.id == std::process::id()).unwrap();
        assert!(own.cpu_ms > 0.0 && own.resident_mib > own.anonymous_mib && own.anonymous_mib > 0.0, "{own:?}");
        assert!(family.iter().any(|process| process.id == child.id() && process.parent == own.id), "{family:?}");
        drop(child.stdin.take());
        child.wait().unwrap();
    }
}
