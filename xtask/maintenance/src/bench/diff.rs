//! What a review costs: the whole process, and the comparison alone; beside `cdk diff --template` in the same rounds.

use std::{fs, path::Path, time::Instant};

use cfn::Template;
use review::diff::{Context as Known, diff};

use super::{
    report::{Table, median},
    synth::{install, queues, times},
};
use xtask::{
    context::{Context, write_whole},
    report::Failure,
};

const ROUNDS: usize = 31;
/// CDK takes seconds; its spread is small.
const CDK_ROUNDS: usize = 5;
/// CDK takes no more resources in a template, as CloudFormation does.
const MOST: usize = 500;

pub(super) fn measure(context: &Context, table: &mut Table) -> Result<(), Failure> {
    let folder = context.root.join("target/bench/diff");
    fs::create_dir_all(&folder).map_err(Failure::from(format!("cannot make {}", folder.display())))?;
    let program = crate::xtask_program()?;
    let prod = infra::service(&context.environment("prod")?).map_err(Failure::new)?;
    let pairs = [
        ("prod", prod.clone(), changed(prod), "at most 15 ms"),
        ("two templates of 498 resources", queues("before", 249)?, queues("after", 249)?, "at most 100 ms"),
        ("two templates of 1,000 resources", queues("before", 500)?, queues("after", 500)?, "at most 100 ms"),
    ];
    let cdk = install(&context.root.join("target/bench/cdk"))?;
    for (name, before, after, wanted) in pairs {
        let (mut alone, mut whole, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
        write_whole(&folder.join("before.json"), cfn::write::json(&before))?;
        write_whole(&folder.join("after.json"), cfn::write::json(&after))?;
        let theirs_too = after.resources.len() <= MOST;
        let ours = ["-q", "diff", "target/bench/diff/before.json", "target/bench/diff/after.json"];
        for round in 0..ROUNDS {
            let since = Instant::now();
            let _found = diff(&before, &after, &Known::default());
            alone.push(since.elapsed().as_secs_f64() * 1e3);
            whole.extend(times(&program, &ours, &context.root, 1)?);
            if let Some(program) = cdk.as_ref().filter(|_| theirs_too && round < CDK_ROUNDS) {
                theirs.extend(cdk_diff(program, &folder)?);
            }
        }
        table.add(format!("diff of {name}"), median(alone, "ms"), wanted);
        table.add(format!("diff of {name}, the whole process with reading and text"), median(whole, "ms"), "");
        match cdk {
            _ if !theirs_too => table.add(format!("cdk diff --template of {name}"), "refused: more than 500", ""),
            Some(_) => table.add(format!("cdk diff --template of {name}"), median(theirs, "ms"), ""),
            None => table.add("AWS CDK", "missing: npm did not install aws-cdk and aws-cdk-lib", ""),
        }
    }
    Ok(())
}

/// CDK compares an app with a file; the app here is a cloud assembly that is made already.
fn cdk_diff(program: &Path, folder: &Path) -> Result<Vec<f64>, Failure> {
    let assembly = folder.join("cdk.out");
    fs::create_dir_all(&assembly).map_err(Failure::from(format!("cannot make {}", assembly.display())))?;
    let after = folder.join("after.json");
    fs::copy(&after, assembly.join("Service.template.json")).map_err(Failure::from("cannot copy the template"))?;
    let manifest = r#"{"version":"48.0.0","artifacts":{"Service":{"type":"aws:cloudformation:stack",
        "environment":"aws://unknown-account/unknown-region","properties":{"templateFile":"Service.template.json"}}}}"#;
    write_whole(&assembly.join("manifest.json"), manifest)?;
    times(program, &["diff", "--app", "cdk.out", "--template", "before.json", "Service"], folder, 1)
}

/// A typical change: one queue under another name, all logs kept shorter.
fn changed(mut template: Template) -> Template {
    for resource in template.resources.values_mut() {
        let (property, value) = match resource.kind.as_str() {
            "AWS::Logs::LogGroup" => ("RetentionInDays", 3.into()),
            "AWS::SQS::Queue" if resource.properties.contains_key("FifoQueue") => ("QueueName", "other.fifo".into()),
            _ => continue,
        };
        resource.properties.insert(property.to_owned(), value);
    }
    template
}
