"""A way to a peer that can be cut: passes bytes on, or the port is closed ("refused"), or it takes connections and says nothing ("silent"), or who
connects hears nothing at all ("dropped": the queue of those to be taken is full, and the kernel drops what comes).
hold(when): the peer's first answer for which when() is true goes no further, until turn()."""
import contextlib
import socket
import threading


class Relay:
    def __init__(self, target):
        self.target, self.open, self.connections, self.lock = target, "passing", [], threading.Lock()
        self.when, self.held, self.released = lambda: False, threading.Event(), threading.Event()
        self.listen(0)
        self.port = self.listener.getsockname()[1]

    def listen(self, port):
        self.listener = socket.create_server(("127.0.0.1", port), backlog=64)
        threading.Thread(target=self.take, args=(self.listener,), daemon=True).start()

    def take(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections.append(connection)
            if self.open == "passing":
                threading.Thread(target=self.carry, args=(connection,), daemon=True).start()

    def carry(self, near):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.target)) as far:
            back = threading.Thread(target=self.pump, args=(far, near, self.withhold), daemon=True)
            back.start()
            self.pump(near, far)
            back.join()

    def hold(self, when):
        self.held.clear()
        self.released.clear()
        self.when = when

    def withhold(self):
        if self.when():
            self.held.set()
            self.released.wait()

    @staticmethod
    def pump(source, sink, before=lambda: None):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                before()
                sink.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def turn(self, how):
        """"passing", "refused" or "silent"; whoever is connected is cut off."""
        before, self.open, self.when = self.open, how, lambda: False
        if how == "refused":
            return self.close()
        if how == "dropped":
            self.close()
            return self.fill()
        if before in ("refused", "dropped"):
            self.close()
            self.listen(self.port)
        return self.cut()

    def fill(self):
        self.listener = socket.create_server(("127.0.0.1", self.port), backlog=0)
        for _ in range(2):  # the kernel takes one more than the backlog
            waiting = socket.socket()
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", self.port))
            self.connections.append(waiting)

    def cut(self):
        with self.lock:
            taken, self.connections = self.connections, []
        for connection in taken:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self.released.set()

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)  # wakes accept()
        self.listener.close()
        self.cut()
