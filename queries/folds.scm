; What can be folded. An editor that asks the language server gets stages and runs of comments as well.

[
  (from_instruction)
  (run_instruction)
  (cmd_instruction)
  (label_instruction)
  (expose_instruction)
  (env_instruction)
  (add_instruction)
  (copy_instruction)
  (entrypoint_instruction)
  (volume_instruction)
  (arg_instruction)
  (onbuild_instruction)
  (healthcheck_instruction)
  (shell_instruction)
] @fold

(heredoc_content) @fold
