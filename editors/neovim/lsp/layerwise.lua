---@brief
---
--- Layerwise: a language server for Dockerfiles that knows what the next build will cost.
---
--- The workspace folder is the outermost place in which the server looks for the build context, so the repository comes
--- first among the root markers; the others are for folders that are not in one.

---@type vim.lsp.Config
return {
  cmd = { 'layerwise', 'lsp' },
  filetypes = { 'dockerfile' },
  root_markers = {
    '.git',
    '.hg',
    '.jj',
    'docker-bake.hcl',
    'compose.yaml',
    'compose.yml',
    'docker-compose.yaml',
    'docker-compose.yml',
    '.dockerignore',
  },
}
