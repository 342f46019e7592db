//! Python programs that tests use: boto3 as somebody else's client, cfn-lint as a second opinion. They are installed into
//! `target/`, from pinned and hashed requirements.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::run_to_end;
use crate::{
    context::{Context, write_whole},
    report::Failure,
};

const REQUIREMENTS: &str = include_str!("requirements.txt");

/// The interpreter that has the programs.
pub(super) fn interpreter(context: &Context) -> PathBuf {
    folder(context).join("bin/python")
}

/// Makes the virtual environment, unless it is there with the same requirements.
pub(in crate::commands) fn set_up(context: &Context) -> Result<(), Failure> {
    let folder = folder(context);
    let stamp = folder.join("requirements.txt");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == REQUIREMENTS) {
        return Ok(());
    }
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(Failure::from(format!("cannot remove {}", folder.display())))?;
    }
    let mut make = Command::new("python3");
    make.args(["-m", "venv"]).arg(&folder);
    run_to_end(make).map_err(|failure| failure.help("install Python 3 with its venv module"))?;
    let wanted = folder.join("wanted.txt");
    write_whole(&wanted, REQUIREMENTS)?;
    let mut install = Command::new(interpreter(context));
    install.args(["-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps", "-r"]).arg(&wanted);
    run_to_end(install)?;
    write_whole(&stamp, REQUIREMENTS)
}

/// The folder of the resource schemas that come with cfn-lint.
pub(in crate::commands) fn schemas(root: &Path) -> Result<PathBuf, Failure> {
    let libraries = root.join("target/python/lib");
    let versions = fs::read_dir(&libraries).into_iter().flatten().flatten();
    let schemas = versions.map(|version| version.path().join("site-packages/cfnlint/data/schemas"));
    schemas.into_iter().find(|folder| folder.is_dir()).ok_or_else(|| {
        Failure::new(format!("no resource schemas below {}", libraries.display()))
            .help("cargo xtask codegen installs them")
    })
}

/// Runs cfn-lint on the template of every environment; informational findings count too.
pub(super) fn lint_templates(context: &Context) -> Result<(), Failure> {
    let folder = context.root.join("target/templates");
    fs::create_dir_all(&folder).map_err(Failure::from(format!("cannot make {}", folder.display())))?;
    let mut lint = Command::new(folder_of_programs(context).join("cfn-lint"));
    lint.args(["--include-checks", "I", "--regions"]);
    let mut files = Vec::new();
    for name in context.environments() {
        let environment = context.environment(&name)?;
        lint.arg(&environment.region);
        let template = infra::service(&environment).map_err(Failure::new)?;
        let file = folder.join(format!("{name}.yaml"));
        write_whole(&file, &cfn::write::yaml(&template))?;
        files.push(file);
    }
    lint.arg("--template").args(files);
    run_to_end(lint)
}

fn folder(context: &Context) -> PathBuf {
    context.root.join("target/python")
}

fn folder_of_programs(context: &Context) -> PathBuf {
    folder(context).join("bin")
}
