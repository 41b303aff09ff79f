"""The networks in PyTorch: GoogLeNet (also with its highest place as the answer), AlexNet and the stacked one from the
papers' tables, under cervigate's layer names; ResNet-18, VGG-11 and EfficientNet-B0 as torchvision has them. Random
weights, no dropout."""
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

CLASSES = 3
INCEPTION = {"3a": (64, 96, 128, 16, 32, 32), "3b": (128, 128, 192, 32, 96, 64), "4a": (192, 96, 208, 16, 48, 64),
             "4b": (160, 112, 224, 24, 64, 64), "4c": (128, 128, 256, 24, 64, 64), "4d": (112, 144, 288, 32, 64, 64),
             "4e": (256, 160, 320, 32, 128, 128), "5a": (256, 160, 320, 32, 128, 128), "5b": (384, 192, 384, 48, 128, 128)}


class ExportedLRN(torch.autograd.Function):
    """PyTorch exports its LRN as a chain of elementwise operators; ONNX has one of its own."""

    @staticmethod
    def forward(_, x):
        return F.local_response_norm(x, 5, 1e-4, 0.75, 1.0)

    @staticmethod
    def symbolic(g, x):
        return g.op("LRN", x, size_i=5, alpha_f=1e-4, beta_f=0.75, bias_f=1.0)


class Sides:
    """What side our run took at each kink: activations by layer, in the order of the layers.

    Where two cells of a max pool's window, or a ReLU's input and zero, are equal but for the last bits, the order of a
    sum decides which way a gradient goes, and PyTorch's own float32 gradient is then up to 5 % from its float64 one.
    PyTorch told the side computes the same function to the last bits, and its derivative is that side's. `margin` is
    the largest distance from a kink (part of the tensor's largest value) where the told side was not PyTorch's own:
    rounding, or else we are wrong. `told` counts those cells, of `cells`."""

    def __init__(self, activations):
        self.activations = activations
        self.margin, self.told, self.cells = 0.0, 0, 0

    def count(self, x, distances):
        self.cells += x.numel()
        if len(distances):
            self.told += len(distances)
            self.margin = max(self.margin, (distances.abs().max() / x.detach().abs().max()).item())

    def relu(self, layer, x):
        open_ = self.activations[layer].view_as(x) > 0
        self.count(x, x.detach()[open_ != (x.detach() > 0)])
        return x * open_

    def pool(self, layer, x, *window, **ceil):
        cells = F.max_pool2d(self.activations[layer].view_as(x), *window, return_indices=True, **ceil)[1]
        taken = x.flatten(2).gather(2, cells.flatten(2)).view(cells.shape)
        short = F.max_pool2d(x.detach(), *window, **ceil) - taken.detach()
        self.count(taken, short[short > 0])
        return taken


class ToldReLU(nn.Module):
    """The next ReLU of a torchvision network in place of nn.ReLU. Execution's order is the graph's."""

    def __init__(self, net):
        super().__init__()
        self.net = [net]  # no submodule

    def forward(self, x):
        net = self.net[0]
        if net.sides is None:
            return F.relu(x)
        layer = list(net.sides.activations)[net.relus % len(net.sides.activations)]
        net.relus += 1
        y = net.sides.relu(layer, x)
        y.layer = layer
        return y


class ToldPool(nn.Module):
    """A max pool of what a ToldReLU gave."""

    def __init__(self, net, pool):
        super().__init__()
        self.net, self.window, self.ceil = [net], (pool.kernel_size, pool.stride, pool.padding, pool.dilation), pool.ceil_mode

    def forward(self, x):
        sides = self.net[0].sides
        if sides is None:
            return F.max_pool2d(x, *self.window, ceil_mode=self.ceil)
        return sides.pool(x.layer, x, *self.window, ceil_mode=self.ceil)


def tell(net):
    """Gives a torchvision network what Table has: `sides`."""
    net.sides, net.relus = None, 0
    for parent in list(net.modules()):
        for name, module in list(parent.named_children()):
            if isinstance(module, nn.ReLU):
                setattr(parent, name, ToldReLU(net))
            elif isinstance(module, nn.MaxPool2d):
                setattr(parent, name, ToldPool(net, module))
    return net


class Table(nn.Module):
    """Layers by name; `trace` keeps what each gave in the last pass; `sides`: Sides or None."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleDict()
        self.trace = {}
        self.sides = None

    def keep(self, name, x):
        x.layer = name
        self.trace[name] = x
        return x

    def conv(self, name, x, out, kernel, stride=1, pad=0, groups=1):
        if name not in self.layers:
            self.layers[name] = nn.Conv2d(x.shape[1], out, kernel, stride, pad, groups=groups)
        return self.keep(name, self.relu(name, self.layers[name](x)))

    def relu(self, name, x):
        return F.relu(x) if self.sides is None else self.sides.relu(name, x)

    def linear(self, name, x, out, relu=True):
        x = x.flatten(1)
        if name not in self.layers:
            self.layers[name] = nn.Linear(x.shape[1], out)
        x = self.layers[name](x)
        return self.keep(name, self.relu(name, x) if relu else x)

    def pool(self, name, x, stride=2, pad=0):
        if self.sides is None:
            return self.keep(name, F.max_pool2d(x, 3, stride, pad, ceil_mode=True))
        return self.keep(name, self.sides.pool(x.layer, x, 3, stride, pad, ceil_mode=True))

    def norm(self, name, x):
        if torch.onnx.is_in_onnx_export():
            return ExportedLRN.apply(x)
        return self.keep(name, F.local_response_norm(x, 5, 1e-4, 0.75, 1.0))

    def inceptions(self, x):
        x = self.pool("pool1/3x3_s2", self.conv("conv1/7x7_s2", x, 64, 7, 2, 3))
        x = self.conv("conv2/3x3_reduce", self.norm("pool1/norm1", x), 64, 1)
        x = self.norm("conv2/norm2", self.conv("conv2/3x3", x, 192, 3, 1, 1))
        x = self.pool("pool2/3x3_s2", x)
        for block, (a, b1, b2, c1, c2, d) in INCEPTION.items():
            n = f"inception_{block}/"
            x = self.keep(n + "output", torch.cat([
                self.conv(n + "1x1", x, a, 1),
                self.conv(n + "3x3", self.conv(n + "3x3_reduce", x, b1, 1), b2, 3, 1, 1),
                self.conv(n + "5x5", self.conv(n + "5x5_reduce", x, c1, 1), c2, 5, 1, 2),
                self.conv(n + "pool_proj", self.pool(n + "pool", x, 1, 1), d, 1)], 1))
            if block in ("3b", "4e"):
                x = self.pool("pool3/3x3_s2" if block == "3b" else "pool4/3x3_s2", x)
        return x

    def googlenet(self, x):
        return self.keep("pool5/7x7_s1", self.inceptions(x).mean((2, 3), keepdim=True))

    def alexnet(self, x):
        x = self.pool("pool1", self.norm("norm1", self.conv("conv1", x, 96, 11, 4)))
        x = self.pool("pool2", self.norm("norm2", self.conv("conv2", x, 256, 5, 1, 2, 2)))
        x = self.conv("conv4", self.conv("conv3", x, 384, 3, 1, 1), 384, 3, 1, 1, 2)
        return self.pool("pool5", self.conv("conv5", x, 256, 3, 1, 1, 2))


class GoogLeNet(Table):
    def forward(self, x):
        return self.linear("loss3/classifier", self.googlenet(x), CLASSES, relu=False)


class GoogLeNetPeak(Table):
    def forward(self, x):
        x, name = self.inceptions(x), "places/classifier"
        if name not in self.layers:
            self.layers[name] = nn.Conv2d(x.shape[1], CLASSES, 1)
        x = self.keep(name, self.layers[name](x))
        whole = tuple(map(int, x.shape[2:]))
        x = F.max_pool2d(x, whole) if self.sides is None else self.sides.pool(name, x, whole)
        return self.keep("places/peak", x).flatten(1)


class AlexNet(Table):
    def forward(self, x):
        x = self.linear("fc7", self.linear("fc6", self.alexnet(x), 4096), 4096)
        return self.linear("fc8", x, CLASSES, relu=False)


class Stacked(Table):
    def forward(self, x):
        x = self.keep("features", torch.cat([self.googlenet(x).flatten(1), self.alexnet(x).flatten(1)], 1))
        x = self.linear("stacked/fc2", self.linear("stacked/fc1", x, 1024), 512)
        return self.linear("stacked/classifier", x, CLASSES, relu=False)


def efficientnet_b0():
    net = torchvision.models.efficientnet_b0(weights=None, num_classes=CLASSES, stochastic_depth_prob=0.0)
    for module in net.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return net


# Rates at which ten losses fall smoothly: neither the explosion of a rate too high nor a loss near zero, both of which
# make a step's loss an ill-conditioned number (docs/parity.md).
NETWORKS = {  # name: (build, side, images, rate of SGD, of Adam)
    "googlenet": (GoogLeNet, 224, 2, 1e-5, 1e-6),
    "googlenet-peak": (GoogLeNetPeak, 224, 2, 1e-5, 1e-6),
    "alexnet": (AlexNet, 227, 2, 1e-5, 1e-6),
    "stacked": (Stacked, 227, 1, 1e-5, 1e-6),
    "resnet18": (lambda: torchvision.models.resnet18(weights=None, num_classes=CLASSES), 128, 2, 1e-4, 1e-5),
    "vgg11": (lambda: torchvision.models.vgg11(weights=None, num_classes=CLASSES, dropout=0.0, init_weights=False), 224, 1, 1e-6, 1e-6),
    "efficientnet_b0": (efficientnet_b0, 128, 2, 1e-4, 1e-5),
}
OWN = ("googlenet", "googlenet-peak", "alexnet", "stacked")


def randomise(net):
    """Weights that keep activations of one size through a network's depth (He et al. 2015), running statistics that do
    something, and scores near each other, so that ten steps of training go somewhere."""
    last = None
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.uniform_(module.bias, -0.1, 0.1)
                last = module
            elif isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.uniform_(module.bias, -0.2, 0.2)
                nn.init.uniform_(module.running_mean, -0.2, 0.2)
                nn.init.uniform_(module.running_var, 0.5, 1.5)
        last.weight.mul_(0.1)
    return net.eval()


def build(name, seed=7):
    torch.manual_seed(seed)
    net = NETWORKS[name][0]()
    if name in OWN:
        with torch.no_grad():
            net(torch.zeros(1, 3, NETWORKS[name][1], NETWORKS[name][1]))
    return randomise(net)


def images(name, seed=1):
    _, side, count, _, _ = NETWORKS[name]
    torch.manual_seed(seed)
    return torch.rand(count, 3, side, side) * 4 - 2


def parameter_name(name, key):
    """A state's key as cervigate names it."""
    return key[len("layers."):] if name in OWN else key
