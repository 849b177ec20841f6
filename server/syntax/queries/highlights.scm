; Generated from queries/highlights.scm by `cargo dev gen`: edit that file.
; Colours for tree-sitter editors. The capture names are those that Neovim, Helix and Zed share.

[
  "FROM"
  "AS"
  "RUN"
  "CMD"
  "LABEL"
  "EXPOSE"
  "ENV"
  "ADD"
  "COPY"
  "ENTRYPOINT"
  "VOLUME"
  "USER"
  "WORKDIR"
  "ARG"
  "ONBUILD"
  "STOPSIGNAL"
  "HEALTHCHECK"
  "SHELL"
  "MAINTAINER"
  "NONE"
] @keyword

(comment) @comment

; FROM image:tag@digest AS stage
(image_name) @type
(image_tag) @constant
(image_digest) @constant
(image_alias) @label

; --flag=value
(param) @attribute
(mount_param) @attribute

; NAME=value
(arg_pair name: (_) @property)
(env_pair name: (_) @property)
(label_pair key: (_) @property)

(unquoted_string) @string
(double_quoted_string) @string
(single_quoted_string) @string
(json_string) @string
(escape_sequence) @string.escape
(path) @string.special.path

(expose_port) @number

(heredoc_marker) @label
(heredoc_end) @label
(heredoc_content) @string

; $NAME and ${NAME:-default}
(expansion ["$" "{" "}"] @punctuation.special)
(expansion_operator) @operator
(variable) @variable
