//! Writes the Dockerfiles that `bench/server.py` and `bench/check.py` measure with.
//!
//! `generate LINES` prints one; `generate FOLDER COUNT` writes COUNT files whose lengths are spread as those of real ones.

use std::error::Error;
use std::fs;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match &args[..] {
        [lines] => print!("{}", layerwise_bench::dockerfile(lines.parse()?, 1)),
        [folder, count] => {
            fs::create_dir_all(folder)?;
            for (index, text) in layerwise_bench::dockerfiles(count.parse()?).enumerate() {
                fs::write(Path::new(folder).join(format!("{index:05}.Dockerfile")), text)?;
            }
        }
        _ => return Err("usage: generate LINES | generate FOLDER COUNT".into()),
    }
    Ok(())
}
