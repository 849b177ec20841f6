; Generated from queries/injections.scm by `cargo dev gen`: edit that file.
; Other languages inside a Dockerfile. Each body is a document of its own: never `injection.combined`, which would make
; one script of all RUN lines.

; What a shell runs: RUN, CMD, ENTRYPOINT and HEALTHCHECK in their shell form.
((shell_command) @injection.content
  (#set! injection.language "bash"))

; RUN <<EOF: the shell, unless the first line or the delimiter names another language.
((run_instruction
  (shell_command (heredoc_marker) @_marker)
  (heredoc_block (heredoc_content) @injection.content))
  (#not-match? @injection.content "^#!")
  (#not-match? @_marker "[pP][yY]|[nN][oO][dD][eE]|[jJ][sS]|[rR][uU][bB][yY]|[pP][eE][rR][lL]|[pP][wW][sS][hH]")
  (#set! injection.language "bash"))

((run_instruction
  (heredoc_block (heredoc_content) @injection.content))
  (#match? @injection.content "^#![^\n]*sh([ \t\r]|\n)")
  (#set! injection.language "bash"))

((run_instruction
  (heredoc_block (heredoc_content) @injection.content))
  (#match? @injection.content "^#![^\n]*python")
  (#set! injection.language "python"))

((run_instruction
  (heredoc_block (heredoc_content) @injection.content))
  (#match? @injection.content "^#![^\n]*node")
  (#set! injection.language "javascript"))

((run_instruction
  (heredoc_block (heredoc_content) @injection.content))
  (#match? @injection.content "^#![^\n]*perl")
  (#set! injection.language "perl"))

((run_instruction
  (heredoc_block (heredoc_content) @injection.content))
  (#match? @injection.content "^#![^\n]*ruby")
  (#set! injection.language "ruby"))

; RUN python3 <<PY: the delimiter names the language.
((run_instruction
  (shell_command (heredoc_marker) @_marker)
  (heredoc_block (heredoc_content) @injection.content))
  (#not-match? @injection.content "^#!")
  (#match? @_marker "[pP][yY]")
  (#set! injection.language "python"))

((run_instruction
  (shell_command (heredoc_marker) @_marker)
  (heredoc_block (heredoc_content) @injection.content))
  (#not-match? @injection.content "^#!")
  (#match? @_marker "[nN][oO][dD][eE]|[jJ][sS]")
  (#set! injection.language "javascript"))

; COPY <<EOF /etc/app.json: the destination's name tells the language.
((copy_instruction
  (path (heredoc_marker))
  .
  (path) @_file
  .
  (heredoc_block (heredoc_content) @injection.content))
  (#match? @_file "\\.[jJ][sS][oO][nN]$")
  (#set! injection.language "json"))

((copy_instruction
  (path (heredoc_marker))
  .
  (path) @_file
  .
  (heredoc_block (heredoc_content) @injection.content))
  (#match? @_file "\\.[yY][aA]?[mM][lL]$")
  (#set! injection.language "yaml"))

((copy_instruction
  (path (heredoc_marker))
  .
  (path) @_file
  .
  (heredoc_block (heredoc_content) @injection.content))
  (#match? @_file "\\.[tT][oO][mM][lL]$")
  (#set! injection.language "toml"))

((copy_instruction
  (path (heredoc_marker))
  .
  (path) @_file
  .
  (heredoc_block (heredoc_content) @injection.content))
  (#match? @_file "\\.([bB][aA])?[sS][hH]$")
  (#set! injection.language "bash"))
