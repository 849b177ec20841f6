; The parts of an instruction that the analysis asks for (server/syntax/src/spans.rs gives each capture its meaning).

(image_name) @image.name
(image_tag) @image.tag
(image_digest) @image.digest
(image_alias) @stage.alias

(param) @flag
(mount_param "mount" @mount)
(mount_param_param) @mount.option

(env_pair) @env
(arg_pair) @arg
(label_pair) @label

(expansion) @expansion
(variable) @variable

(json_string) @json
(double_quoted_string) @string
(single_quoted_string) @string
(path) @path
(expose_port) @port

(heredoc_marker) @heredoc.marker
(heredoc_content) @heredoc.body
(heredoc_end) @heredoc.end
