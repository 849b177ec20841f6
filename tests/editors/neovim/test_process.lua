local t = dofile(vim.fs.dirname(debug.getinfo(1, 'S').source:sub(2)) .. '/harness.lua')

local function servers()
  return vim.api.nvim_get_proc_children(vim.fn.getpid())
end

local function gone(pid)
  return t.wait('the end of the server', function()
    return vim.uv.kill(pid, 0) ~= 0
  end)
end

t.run({
  {
    'a killed server takes nothing with it, and opening the file again starts another',
    function()
      local client = t.open('FROM debian:12 as base\n')
      t.diagnosed({ '1:16 from-as-casing' })
      local pid = servers()[1]
      vim.uv.kill(pid, 'sigkill')
      t.wait('the client to notice', function()
        return #vim.lsp.get_clients({ name = 'layerwise' }) == 0
      end)
      vim.api.nvim_buf_set_lines(0, 1, -1, false, { 'MAINTAINER someone' })
      t.same(t.text(), 'FROM debian:12 as base\nMAINTAINER someone\n')
      vim.cmd('silent write')
      vim.cmd('edit')
      assert(t.attached().id ~= client.id)
      t.diagnosed({ '1:16 from-as-casing', '2:1 maintainer' })
    end,
  },
  {
    'a stopped client ends its server',
    function()
      local client = t.open('FROM a\n')
      local pid = assert(servers()[1])
      client:stop()
      gone(pid)
    end,
  },
})
