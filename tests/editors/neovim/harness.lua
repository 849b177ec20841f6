--- What the Neovim tests share: a project on disk, the server as a user would set it up, and tests that report.
---
--- Each test file is run by its own Neovim: `nvim --headless --clean -c 'luafile FILE'`, with `layerwise` on PATH.

local here = vim.fs.dirname(debug.getinfo(1, 'S').source:sub(2))
local root = vim.fs.normalize(here .. '/../../..')

--- Only what never comes is caught by this.
local PATIENCE = tonumber(vim.env.LAYERWISE_PATIENCE) or 60000

local M = { PATIENCE = PATIENCE }

vim.o.swapfile = false
-- As the README says: the folder on the runtime path, and the server switched on.
vim.opt.runtimepath:prepend(root .. '/editors/neovim')
vim.lsp.enable('layerwise')

--- Waits until `ready()` returns something and returns that.
function M.wait(what, ready)
  local found
  local ok = vim.wait(PATIENCE, function()
    found = ready()
    return found
  end, 10)
  if not ok then
    error('waited in vain for ' .. what, 2)
  end
  return found
end

--- Fails unless the two are equal, lists and tables by what is in them.
function M.same(got, expected)
  if not vim.deep_equal(got, expected) then
    error(('expected %s\n     got %s'):format(vim.inspect(expected), vim.inspect(got)), 2)
  end
end

--- Writes a project, `{ [path] = text }`, into a new folder that is a repository's top, and returns the folder.
function M.project(files)
  local folder = vim.uv.fs_realpath(vim.fn.fnamemodify(vim.fn.tempname(), ':h')) .. '/' .. vim.uv.hrtime()
  vim.fn.mkdir(folder .. '/.git', 'p')
  for path, text in pairs(files) do
    vim.fn.mkdir(vim.fs.dirname(folder .. '/' .. path), 'p')
    vim.fn.writefile(vim.split(text, '\n'), folder .. '/' .. path, 'b')
  end
  return folder
end

--- The client of the current buffer, once the server is there.
function M.attached()
  return M.wait('the client', function()
    local client = vim.lsp.get_clients({ name = 'layerwise', bufnr = 0 })[1]
    return client and client.initialized and client
  end)
end

--- Makes a project with this Dockerfile, opens it and waits for the client; returns client and folder.
function M.open(dockerfile, others)
  local files = vim.tbl_extend('force', { Dockerfile = dockerfile }, others or {})
  local folder = M.project(files)
  vim.cmd.edit({ folder .. '/Dockerfile', bang = true })
  return M.attached(), folder
end

--- The buffer's text.
function M.text()
  return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\n') .. '\n'
end

--- The diagnostics of the buffer as `{ 'LINE:COLUMN RULE' }`, lines and columns (bytes) from 1, by place.
function M.diagnostics()
  local found = vim.diagnostic.get(0)
  table.sort(found, function(a, b)
    return a.lnum < b.lnum or a.lnum == b.lnum and a.col < b.col
  end)
  return vim.tbl_map(function(d)
    return ('%d:%d %s'):format(d.lnum + 1, d.col + 1, d.code)
  end, found)
end

--- Waits until the diagnostics are these.
function M.diagnosed(expected)
  local last
  local ok = vim.wait(PATIENCE, function()
    last = M.diagnostics()
    return vim.deep_equal(last, expected)
  end, 10)
  if not ok then
    error(('expected %s\n     got %s'):format(vim.inspect(expected), vim.inspect(last)), 2)
  end
end

--- Chooses the code action whose title has `title` in it, at a line and a column (bytes), both from 1, and waits until
--- the text changes.
function M.choose(title, line, column, only)
  vim.api.nvim_win_set_cursor(0, { line, column - 1 })
  local before = M.text()
  vim.lsp.buf.code_action({
    apply = true,
    context = { only = only, diagnostics = vim.lsp.diagnostic.from(vim.diagnostic.get(0, { lnum = line - 1 })) },
    filter = function(action)
      return action.title:find(title, 1, true) ~= nil
    end,
  })
  M.wait('the action "' .. title .. '"', function()
    return M.text() ~= before
  end)
end

--- Runs the tests, `{ { name, function }, ... }`, and ends Neovim: status 0 if none failed.
function M.run(tests)
  io.stdout:setvbuf('no')
  local failed = 0
  for _, test in ipairs(tests) do
    local name, run = unpack(test)
    local ok, message = xpcall(run, debug.traceback)
    io.stdout:write(('\nneovim: %s ... %s\n'):format(name, ok and 'ok' or 'FAILED'))
    if not ok then
      failed = failed + 1
      io.stdout:write(tostring(message), '\n')
    end
    -- The next test gets its own server. The buffers go last: Neovim looks at them when a client ends.
    vim.lsp.stop_client(vim.lsp.get_clients(), true)
    vim.wait(PATIENCE, function()
      return #vim.lsp.get_clients() == 0 and #vim.api.nvim_get_proc_children(vim.fn.getpid()) == 0
    end, 10)
    vim.cmd('silent! %bwipeout!')
  end
  if failed > 0 then
    local log = io.open(vim.lsp.get_log_path())
    io.stdout:write('the log of the client:\n', log and log:read('a') or 'none\n')
    vim.cmd.cquit()
  end
  vim.cmd('qall!')
end

return M
