//! `--debug`: how a debugger finds the function.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use local_cloud::activity::{Activity, What};
use serde_json::json;
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    task::JoinHandle,
};

use super::lines::say;

/// Says how to attach to each process of a function, as it starts, until it is aborted.
pub(super) fn tell(mut cloud: Receiver<Arc<Activity>>, name: String, binary: PathBuf) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            match cloud.recv().await {
                Ok(happened) => {
                    if let What::Started { function, pid } = &happened.what
                        && *function == name
                    {
                        say(&attach(&name, *pid, &binary.display().to_string(), may_attach()));
                    }
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    })
}

/// Whether this machine lets a debugger attach to a process that it did not start.
///
/// Source: <https://www.kernel.org/doc/Documentation/security/Yama.txt>
fn may_attach() -> bool {
    let scope = fs::read_to_string(Path::new("/proc/sys/kernel/yama/ptrace_scope"));
    scope.is_ok_and(|scope| scope.trim() == "0") || !Path::new("/proc/sys/kernel/yama").exists()
}

/// How to attach, for a terminal and for VS Code.
fn attach(name: &str, pid: u32, binary: &str, allowed: bool) -> String {
    let launch = json!({ "name": name, "type": "lldb", "request": "attach", "pid": pid });
    let allow = "\n  this machine lets only a parent or root attach; until the next boot this allows it:\n  \
                 sudo sysctl kernel.yama.ptrace_scope=0";
    format!(
        "debug      {name} is process {pid}: one environment, and no time runs out\n  \
         lldb -p {pid}\n  gdb -p {pid} {binary}\n  launch.json of VS Code, with the extension CodeLLDB: {launch}{}",
        if allowed { "" } else { allow }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_can_be_copied() {
        assert_eq!(
            attach("shop-list", 42, "/bin/list", false),
            "debug      shop-list is process 42: one environment, and no time runs out\n  lldb -p 42\n  \
             gdb -p 42 /bin/list\n  launch.json of VS Code, with the extension CodeLLDB: \
             {\"name\":\"shop-list\",\"type\":\"lldb\",\"request\":\"attach\",\"pid\":42}\n  \
             this machine lets only a parent or root attach; until the next boot this allows it:\n  \
             sudo sysctl kernel.yama.ptrace_scope=0"
        );
        assert!(!attach("f", 1, "b", true).contains("sysctl"));
    }
}
