//! AWS's sample templates, which are not part of the project: what is found in them.

use std::{fs, path::Path};

/// Minimum number of samples.
const SAMPLES: usize = 50;

/// The findings were checked by people, see `tests/samples/README.md`. `UPDATE_EXPECT=1` rewrites them; check every new line.
#[test]
#[ignore = "needs AWS's sample templates: TEMPLATE_SAMPLES=DIR"]
fn findings_in_sample_templates_are_those_that_were_checked() {
    let folder = std::env::var_os("TEMPLATE_SAMPLES").expect("TEMPLATE_SAMPLES names the folder of AWS's samples");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|file| file.extension().is_some_and(|ending| ending != "md")).collect();
    files.sort();
    assert!(files.len() >= SAMPLES, "{} templates", files.len());
    let mut found = String::new();
    for file in files {
        let template = cfn::read::template(&fs::read_to_string(&file).unwrap()).unwrap();
        for review::check::Finding { rule, path, .. } in review::check::template(&template).findings {
            found.push_str(&format!("{} {} {path}\n", file.file_name().unwrap().to_str().unwrap(), rule.id));
        }
    }
    expect_test::expect_file![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples/findings.txt")]
        .assert_eq(&found);
}
