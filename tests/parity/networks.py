"""The networks in PyTorch: GoogLeNet, AlexNet and the stacked one from the papers' tables, under cervigate's layer
names; ResNet-18, VGG-11 and EfficientNet-B0 as torchvision has them. Random weights, no dropout."""
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


class Table(nn.Module):
    """Layers by name; `trace` keeps what each gave in the last pass.

    Where two cells of a max pool's window, or a ReLU's input and zero, are equal but for the last bits, the order of a
    sum decides which way a gradient goes. GoogLeNet meets such a tie in most images, and there PyTorch's own float32
    gradient is up to 5 % from its float64 one. So `decide` (our activations by name) tells which side was taken: the
    function is the same to the last bits, and its derivative is that side's."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleDict()
        self.trace = {}
        self.decide = None

    def keep(self, name, x):
        x.layer = name
        self.trace[name] = x
        return x

    def conv(self, name, x, out, kernel, stride=1, pad=0, groups=1):
        if name not in self.layers:
            self.layers[name] = nn.Conv2d(x.shape[1], out, kernel, stride, pad, groups=groups)
        return self.keep(name, self.relu(name, self.layers[name](x)))

    def relu(self, name, x):
        return F.relu(x) if self.decide is None else x * (self.decide[name].view_as(x) > 0)

    def linear(self, name, x, out, relu=True):
        x = x.flatten(1)
        if name not in self.layers:
            self.layers[name] = nn.Linear(x.shape[1], out)
        x = self.layers[name](x)
        return self.keep(name, self.relu(name, x) if relu else x)

    def pool(self, name, x, stride=2, pad=0):
        if self.decide is None:
            return self.keep(name, F.max_pool2d(x, 3, stride, pad, ceil_mode=True))
        cells = F.max_pool2d(self.decide[x.layer], 3, stride, pad, ceil_mode=True, return_indices=True)[1]
        return self.keep(name, x.flatten(2).gather(2, cells.flatten(2)).view(cells.shape))

    def norm(self, name, x):
        if torch.onnx.is_in_onnx_export():
            return ExportedLRN.apply(x)
        return self.keep(name, F.local_response_norm(x, 5, 1e-4, 0.75, 1.0))

    def googlenet(self, x):
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
        return self.keep("pool5/7x7_s1", x.mean((2, 3), keepdim=True))

    def alexnet(self, x):
        x = self.pool("pool1", self.norm("norm1", self.conv("conv1", x, 96, 11, 4)))
        x = self.pool("pool2", self.norm("norm2", self.conv("conv2", x, 256, 5, 1, 2, 2)))
        x = self.conv("conv4", self.conv("conv3", x, 384, 3, 1, 1), 384, 3, 1, 1, 2)
        return self.pool("pool5", self.conv("conv5", x, 256, 3, 1, 1, 2))


class GoogLeNet(Table):
    def forward(self, x):
        return self.linear("loss3/classifier", self.googlenet(x), CLASSES, relu=False)


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


# The seeds of torchvision's networks with ReLU are ones without a tie (see Table) in the first training step.
NETWORKS = {  # name: (build, side, seeds, images a seed)
    "googlenet": (GoogLeNet, 224, (1, 2), 1),
    "alexnet": (AlexNet, 227, (1, 2), 1),
    "stacked": (Stacked, 227, (1,), 1),
    "resnet18": (lambda: torchvision.models.resnet18(weights=None, num_classes=CLASSES), 224, (1,), 2),
    "vgg11": (lambda: torchvision.models.vgg11(weights=None, num_classes=CLASSES, dropout=0.0), 224, (1,), 1),
    "efficientnet_b0": (efficientnet_b0, 224, (1,), 2),
}
OWN = ("googlenet", "alexnet", "stacked")


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


def images(name):
    _, side, seeds, each = NETWORKS[name]
    samples = []
    for seed in seeds:
        torch.manual_seed(seed)
        samples.append(torch.rand(each, 3, side, side) * 4 - 2)
    return torch.cat(samples)


def parameter_name(name, key):
    """A state's key as cervigate names it."""
    return key[len("layers."):] if name in OWN else key
