//! Which files of a context are read when it is loaded: manifests and lockfiles of package managers, and the small
//! files beside them that decide what an install step does, and scripts that containers start.

/// Names that are read wherever they stand, in byte order.
const NAMES: &[&str] = &[
    ".Rprofile",
    ".condarc",
    ".jvmopts",
    ".npmrc",
    ".nvmrc",
    ".pnp.cjs",
    ".pnpmfile.cjs",
    ".python-version",
    ".ruby-version",
    ".sbtopts",
    ".yarnrc",
    ".yarnrc.yml",
    "CMakeLists.txt",
    "Cargo.lock",
    "Cargo.toml",
    "DESCRIPTION",
    "Directory.Build.props",
    "Directory.Packages.props",
    "Gemfile",
    "Gemfile.lock",
    "Makefile",
    "NuGet.config",
    "Package.resolved",
    "Package.swift",
    "Pipfile",
    "Pipfile.lock",
    "analysis_options.yaml",
    "build.gradle",
    "build.gradle.kts",
    "build.rs",
    "build.sbt",
    "bun.lock",
    "bunfig.toml",
    "composer.json",
    "composer.lock",
    "conan.lock",
    "conanfile.txt",
    "conda-lock.yml",
    "configure.ac",
    "constraints.txt",
    "deno.json",
    "deno.jsonc",
    "deno.lock",
    "deps.ts",
    "environment.yaml",
    "environment.yml",
    "explicit.txt",
    "global.json",
    "go.mod",
    "go.sum",
    "go.work",
    "go.work.sum",
    "gradle.lockfile",
    "gradle.properties",
    "import_map.json",
    "install.R",
    "meson.build",
    "meta.yaml",
    "mix.exs",
    "mix.lock",
    "mvnw",
    "npm-shrinkwrap.json",
    "package-lock.json",
    "package.json",
    "packages.lock.json",
    "packages.txt",
    "pip.conf",
    "pnpm-lock.yaml",
    "pnpm-workspace.yaml",
    "poetry.lock",
    "poetry.toml",
    "pom.xml",
    "pubspec.lock",
    "pubspec.yaml",
    "pubspec_overrides.yaml",
    "pyproject.toml",
    "renv.lock",
    "requirements.txt",
    "rust-toolchain.toml",
    "settings.gradle",
    "settings.gradle.kts",
    "settings.xml",
    "setup.py",
    "symfony.lock",
    "uv.lock",
    "uv.toml",
    "vcpkg-configuration.json",
    "vcpkg.json",
    "yarn.lock",
];

/// Paths of which only the end counts, with the directories in them: too common a name without.
const ENDS: &[&str] = &[
    ".bundle/config",
    ".cargo/config.toml",
    "config/config.exs",
    "config/prod.exs",
    "gradle/libs.versions.toml",
    "gradle/verification-metadata.xml",
    "gradle/wrapper/gradle-wrapper.properties",
    "project/build.properties",
    "renv/activate.R",
    "renv/settings.json",
    "vendor/modules.txt",
];

/// Ends of names.
const SUFFIXES: &[&str] = &[".csproj", ".fsproj", ".gemspec", ".sbt", ".sln", ".slnx"];

/// Whether the file at this path (slash-separated, relative to the context) is one whose text the analysis reads.
///
/// Everything below a `node_modules` is left out: tens of thousands of package.json that no install step starts from.
/// `auth.json`, which holds secrets, is left out too. Lists: the package managers' own documentation of what an
/// install reads.
pub fn is_manifest(path: &str) -> bool {
    let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
    let known = NAMES.binary_search(&name).is_ok()
        || SUFFIXES.iter().any(|end| name.ends_with(end))
        || (name.ends_with(".txt") && (name.starts_with("requirements") || ends_in(dir, "requirements")))
        || ENDS.iter().any(|end| ends_in(path, end));
    // Whether a script starts depends on its first line.
    let script = name.ends_with(".sh") || name.starts_with("docker-entrypoint") || name == "entrypoint";
    (known || script) && !dir.split('/').any(|part| part == "node_modules")
}

/// Whether the last elements of the path are exactly `end`.
fn ends_in(path: &str, end: &str) -> bool {
    path.strip_suffix(end).is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_for_the_binary_search() {
        assert!(NAMES.is_sorted());
    }

    #[test]
    fn manifests_are_known_by_name_by_end_and_by_suffix() {
        for path in [
            "package.json",
            "packages/a/package.json",
            "src/App.csproj",
            "requirements.txt",
            "requirements-dev.txt",
            "requirements/base.txt",
            ".cargo/config.toml",
            "a/vendor/modules.txt",
            "docker/entrypoint.sh",
            "docker-entrypoint",
        ] {
            assert!(is_manifest(path), "{path}");
        }
        for path in [
            "index.js",
            "node_modules/x/package.json",
            "a/node_modules/x/y/package.json",
            "my.cargo/config.toml",
            "config.toml",
            "docs/notes.txt",
            "auth.json",
            "xpackage.json",
        ] {
            assert!(!is_manifest(path), "{path}");
        }
    }
}
